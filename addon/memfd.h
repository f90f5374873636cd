#pragma once

#include <napi.h>
#include <sys/uio.h>

#include <cstdint>
#include <memory>

#include "fd.h"
#include "handle.h"

/** A memory file of a stranger, who may cut it short at any time: it is read, never mapped. */
struct MemoryFile {
  /** Takes a file descriptor; throws a Failure: EINVAL for anything but a file in memory. */
  explicit MemoryFile(Fd file);

  /** Fills rows one after the other from what is at `offset`; throws a Failure, EIO where the file has ended.
   */
  void Read(uint64_t offset, const iovec* rows, size_t count) const;

  Fd fd;
  uint64_t size = 0;
};

/** NativeMemfd. */
class Memfd final : public Handle<Memfd> {
 public:
  static constexpr Kind kKind = Kind::kMemfd;
  static constexpr const char* kName = "NativeMemfd";
  static Napi::Value Open(const Napi::CallbackInfo& info);

  using Handle::Handle;
  ~Memfd() override { CloseQuietly(); }
  void Close() { file_.reset(); }
  [[nodiscard]] const std::shared_ptr<const MemoryFile>& File() const;

 private:
  std::shared_ptr<const MemoryFile> file_;
};

/** A dma-buf of so many bytes of a memfd that cannot shrink; both are of whole pages. Throws a Failure. */
Fd UdmabufOf(int memfd, uint64_t offset, uint64_t size);

/** A new memfd, sealed; throws a Failure. */
Fd MakeMemfd(uint64_t size, unsigned seals);

void InitMemfd(Napi::Env env, Napi::Object exports);
