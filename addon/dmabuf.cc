#include "dmabuf.h"

#include <fcntl.h>
#include <linux/udmabuf.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <xf86drm.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "arguments.h"
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
  const auto check = [&info](int status, const char* syscall) {
    if (status < 0) throw Failure{errno, syscall}.In(info.Env());
    return status;
  };
  const Fd memory(check(memfd_create("kms-switcher", MFD_CLOEXEC | MFD_ALLOW_SEALING), "memfd_create"));
  check(ftruncate(memory.Get(), static_cast<off_t>(size)), "ftruncate");
  check(fcntl(memory.Get(), F_ADD_SEALS, F_SEAL_SHRINK), "fcntl(F_ADD_SEALS)");

  const Fd device(open("/dev/udmabuf", O_RDWR | O_CLOEXEC));
  if (!device) throw Failure{errno, "open", {}, "/dev/udmabuf"}.In(info.Env());
  udmabuf_create request{};
  request.memfd = static_cast<uint32_t>(memory.Get());
  request.flags = UDMABUF_FLAGS_CLOEXEC;
  request.size = size;
  return Napi::Number::New(info.Env(),
                           check(ioctl(device.Get(), UDMABUF_CREATE, &request), "ioctl(UDMABUF_CREATE)"));
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
