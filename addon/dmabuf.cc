#include "dmabuf.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <xf86drm.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "arguments.h"
#include "memfd.h"
#include "worker.h"

namespace {

/** DMA_BUF_MAGIC of <linux/magic.h>: unlike DMA_BUF_IOCTL_SYNC, asking the file system never waits for a
 * fence. */
constexpr long kDmabufFileSystem = 0x444d4142;

bool IsDmabuf(int fd) {
  struct statfs file_system {};
  return fstatfs(fd, &file_system) == 0 && file_system.f_type == kDmabufFileSystem;
}

Fd DuplicateOf(Napi::Env env, int fd) {
  Fd copy(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy) throw Failure{errno, "fcntl(F_DUPFD_CLOEXEC)", {{"fd", fd}}}.In(env);
  return copy;
}

Napi::Value CreateUdmabuf(const Napi::CallbackInfo& info) {
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const uint64_t size = (Size(info[0], "size") + page - 1) / page * page;
  try {
    const Fd memory = MakeMemfd(size, F_SEAL_SHRINK);
    return Napi::Number::New(info.Env(), UdmabufOf(memory.Get(), 0, size).Release());
  } catch (const Failure& failure) {
    throw failure.In(info.Env());
  }
}

Napi::Value WriteDmabuf(const Napi::CallbackInfo& info) {
  const int fd = Descriptor(info[0], "fd");
  const uint64_t offset = Size(info[1], "offset");
  const Napi::Uint8Array bytes = Bytes(info[2], "bytes");
  return RunOnWorker(info.Env(), [offset, data = bytes.Data(), length = bytes.ByteLength(),
                                  keep = Napi::Persistent(bytes.As<Napi::Object>()),
                                  copy = DuplicateOf(info.Env(), fd)]() mutable {
    const DmabufMemory memory(std::move(copy), PROT_READ | PROT_WRITE);
    if (offset > memory.size || length > memory.size - offset) throw Failure{EINVAL, "mmap"};
    const CpuAccess access(memory.fd.Get(), DMA_BUF_SYNC_WRITE);
    std::memcpy(memory.bytes + offset, data, length);
  });
}

}  // namespace

DmabufMemory::DmabufMemory(Fd dmabuf, int protection) : fd(std::move(dmabuf)) {
  if (!IsDmabuf(fd.Get())) throw Failure{EINVAL, "fstatfs"};
  const off_t end = lseek(fd.Get(), 0, SEEK_END);
  if (end < 0) throw Failure{errno, "lseek"};
  size = static_cast<uint64_t>(end);
  void* mapped = mmap(nullptr, size, protection, MAP_SHARED, fd.Get(), 0);
  if (mapped == MAP_FAILED) throw Failure{errno, "mmap"};
  bytes = static_cast<uint8_t*>(mapped);
}

DmabufMemory::~DmabufMemory() { munmap(bytes, size); }

CpuAccess::CpuAccess(int fd, uint64_t direction) : fd_(fd), direction_(direction) {
  dma_buf_sync sync{DMA_BUF_SYNC_START | direction_};
  if (drmIoctl(fd_, DMA_BUF_IOCTL_SYNC, &sync) != 0) {
    throw Failure{errno, "ioctl(DMA_BUF_IOCTL_SYNC)"};
  }
}

CpuAccess::~CpuAccess() {
  dma_buf_sync sync{DMA_BUF_SYNC_END | direction_};
  drmIoctl(fd_, DMA_BUF_IOCTL_SYNC, &sync);
}

Napi::Value Mapping::Map(const Napi::CallbackInfo& info) {
  const int fd = Descriptor(info[0], "fd");
  const uint64_t size = Size(info[1], "size");
  std::shared_ptr<const DmabufMemory> memory;
  try {
    memory = std::make_shared<const DmabufMemory>(DuplicateOf(info.Env(), fd), PROT_READ);
    if (memory->size < size) throw Failure{EINVAL, "lseek"};
  } catch (Failure& failure) {
    failure.about.emplace_back("fd", fd);
    throw failure.In(info.Env());
  }
  Mapping* mapping = New(info.Env());
  mapping->memory_ = std::move(memory);
  const auto mapped = static_cast<double>(mapping->memory_->size);
  mapping->SetConstant("size", Napi::Number::New(info.Env(), mapped));
  return mapping->Value();
}

const std::shared_ptr<const DmabufMemory>& Mapping::Memory() const {
  if (!memory_) ThrowClosed("mmap");
  return memory_;
}

void InitDmabuf(Napi::Env env, Napi::Object exports) {
  Mapping::Define(env, {});
  exports.Set("createUdmabuf", Napi::Function::New(env, CreateUdmabuf, "createUdmabuf"));
  exports.Set("mapDmabuf", Napi::Function::New(env, Mapping::Map, "mapDmabuf"));
  exports.Set("writeDmabuf", Napi::Function::New(env, WriteDmabuf, "writeDmabuf"));
}
