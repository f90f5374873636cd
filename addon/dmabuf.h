#pragma once

#include <linux/dma-buf.h>
#include <napi.h>

#include <cstdint>
#include <memory>

#include "fd.h"
#include "handle.h"

/** The bytes of a dma-buf. */
struct DmabufMemory {
  /** Maps it whole, with PROT_* flags; throws a Failure. */
  DmabufMemory(Fd dmabuf, int protection);
  DmabufMemory(const DmabufMemory&) = delete;
  DmabufMemory& operator=(const DmabufMemory&) = delete;
  ~DmabufMemory();

  Fd fd;
  uint64_t size = 0;
  uint8_t* bytes = nullptr;
};

/** Tells the exporter that the processor looks at its buffer: DMA_BUF_SYNC_READ or _WRITE. Waits for its
 * fences. */
class CpuAccess {
 public:
  CpuAccess(int fd, uint64_t direction);
  CpuAccess(const CpuAccess&) = delete;
  CpuAccess& operator=(const CpuAccess&) = delete;
  ~CpuAccess();

 private:
  int fd_;
  uint64_t direction_;
};

/** NativeMapping. */
class Mapping final : public Handle<Mapping> {
 public:
  static constexpr Kind kKind = Kind::kMapping;
  static constexpr const char* kName = "NativeMapping";
  static Napi::Value Map(const Napi::CallbackInfo& info);

  using Handle::Handle;
  ~Mapping() override { CloseQuietly(); }
  void Close() { memory_.reset(); }
  [[nodiscard]] const std::shared_ptr<const DmabufMemory>& Memory() const;

 private:
  std::shared_ptr<const DmabufMemory> memory_;
};

void InitDmabuf(Napi::Env env, Napi::Object exports);
