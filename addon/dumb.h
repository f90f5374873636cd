#pragma once

#include <napi.h>

#include <cstdint>
#include <memory>

#include "card.h"
#include "fd.h"
#include "handle.h"

/** The kernel's side of a dumb buffer; it goes when the last of its handle and its jobs does. */
struct DumbBuffer {
  explicit DumbBuffer(SharedFd file) : card(std::move(file)) {}
  DumbBuffer(const DumbBuffer&) = delete;
  DumbBuffer& operator=(const DumbBuffer&) = delete;
  ~DumbBuffer();

  SharedFd card;
  uint32_t width = 0;
  uint32_t height = 0;
  uint32_t pitch = 0;
  uint32_t handle = 0;
  uint32_t framebuffer = 0;
  uint64_t size = 0;
  uint8_t* pixels = nullptr;
};

/** NativeDumb. */
class Dumb final : public Handle<Dumb> {
 public:
  static constexpr Kind kKind = Kind::kDumb;
  static constexpr const char* kName = "NativeDumb";
  static Napi::Value Make(Card* card, std::shared_ptr<DumbBuffer> buffer);

  /** The buffer of an open NativeDumb; a TypeError for anything else. */
  static std::shared_ptr<DumbBuffer> BufferOf(const Napi::Value& value, const char* name);

  using Handle::Handle;
  ~Dumb() override { CloseQuietly(); }
  void Close();
  [[nodiscard]] const std::shared_ptr<DumbBuffer>& Buffer() const;

 private:
  std::shared_ptr<DumbBuffer> buffer_;
  Napi::Reference<Napi::ArrayBuffer> pixels_;
  Card* card_ = nullptr;
  Napi::ObjectReference card_object_;  // an open buffer keeps its card
};

void InitDumb(Napi::Env env);
