#include "memfd.h"

#include <fcntl.h>
#include <linux/udmabuf.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "arguments.h"

namespace {

int Check(int status, const char* syscall) {
  if (status < 0) throw Failure{errno, syscall};
  return status;
}

/**
 * The seals of a regular file of tmpfs or hugetlbfs, as memfds are; -1 for any other. Unlike fstatfs this is
 * never passed on to a file's server, which could keep us waiting.
 */
int SealsOf(int fd) { return fcntl(fd, F_GET_SEALS); }

uint64_t PageSize() { return static_cast<uint64_t>(sysconf(_SC_PAGESIZE)); }

/** memfdToDmabuf: what is wrong with a stranger's memfd is no exception. */
Napi::Value MemfdToDmabuf(const Napi::CallbackInfo& info) {
  const int fd = Descriptor(info[0], "fd");
  const uint64_t offset = Size(info[1], "offset");
  const uint64_t size = Size(info[2], "size");
  const auto result = [&info](int number) { return Napi::Number::New(info.Env(), number); };
  const int seals = SealsOf(fd);
  if (seals < 0) return result(-errno);
  if (offset % PageSize() != 0 || size == 0) return result(-EINVAL);
  // Where it does not take the seal, udmabuf says so.
  if ((seals & F_SEAL_SHRINK) == 0) fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK);
  try {
    return result(UdmabufOf(fd, offset, size).Release());
  } catch (const Failure& failure) {
    return result(-failure.error);
  }
}

Napi::Value CreateMemfd(const Napi::CallbackInfo& info) {
  const uint64_t size = Size(info[0], "size");
  const uint32_t seals = Uint32(info[1], "seals");
  try {
    return Napi::Number::New(info.Env(), MakeMemfd(size, seals).Release());
  } catch (const Failure& failure) {
    throw failure.In(info.Env());
  }
}

}  // namespace

MemoryFile::MemoryFile(Fd file) : fd(std::move(file)) {
  if (SealsOf(fd.Get()) < 0) throw Failure{errno, "fcntl(F_GET_SEALS)"};
  struct stat status {};
  Check(fstat(fd.Get(), &status), "fstat");
  size = static_cast<uint64_t>(status.st_size);
}

void MemoryFile::Read(uint64_t offset, const iovec* rows, size_t count) const {
  uint64_t wanted = 0;
  for (size_t i = 0; i < count; i++) wanted += rows[i].iov_len;
  const ssize_t length = preadv(fd.Get(), rows, static_cast<int>(count), static_cast<off_t>(offset));
  if (length < 0) throw Failure{errno, "preadv"};
  if (static_cast<uint64_t>(length) < wanted) throw Failure{EIO, "preadv"};
}

Napi::Value Memfd::Open(const Napi::CallbackInfo& info) {
  const int fd = Descriptor(info[0], "fd");
  const uint64_t size = Size(info[1], "size");
  std::shared_ptr<const MemoryFile> file;
  try {
    // Looked at before it is dup'd: closing the duplicate of another file could wait.
    if (SealsOf(fd) < 0) throw Failure{errno, "fcntl(F_GET_SEALS)"};
    file = std::make_shared<const MemoryFile>(
        Fd(Check(fcntl(fd, F_DUPFD_CLOEXEC, 0), "fcntl(F_DUPFD_CLOEXEC)")));
    if (file->size < size) throw Failure{EOVERFLOW, "fstat"};
  } catch (Failure& failure) {
    failure.about.emplace_back("fd", fd);
    throw failure.In(info.Env());
  }
  Memfd* memfd = New(info.Env());
  memfd->file_ = std::move(file);
  const auto bytes = static_cast<double>(memfd->file_->size);
  memfd->SetConstant("size", Napi::Number::New(info.Env(), bytes));
  return memfd->Value();
}

const std::shared_ptr<const MemoryFile>& Memfd::File() const {
  if (!file_) ThrowClosed("preadv");
  return file_;
}

Fd UdmabufOf(int memfd, uint64_t offset, uint64_t size) {
  const Fd device(open("/dev/udmabuf", O_RDWR | O_CLOEXEC));
  if (!device) throw Failure{errno, "open", {}, "/dev/udmabuf"};
  udmabuf_create request{};
  request.memfd = static_cast<uint32_t>(memfd);
  request.flags = UDMABUF_FLAGS_CLOEXEC;
  request.offset = offset;
  request.size = (size + PageSize() - 1) / PageSize() * PageSize();
  return Fd(Check(ioctl(device.Get(), UDMABUF_CREATE, &request), "ioctl(UDMABUF_CREATE)"));
}

Fd MakeMemfd(uint64_t size, unsigned seals) {
  Fd memory(Check(memfd_create("kms-switcher", MFD_CLOEXEC | MFD_ALLOW_SEALING), "memfd_create"));
  Check(ftruncate(memory.Get(), static_cast<off_t>(size)), "ftruncate");
  if (seals != 0) Check(fcntl(memory.Get(), F_ADD_SEALS, seals), "fcntl(F_ADD_SEALS)");
  return memory;
}

void InitMemfd(Napi::Env env, Napi::Object exports) {
  Memfd::Define(env, {});
  exports.Set("createMemfd", Napi::Function::New(env, CreateMemfd, "createMemfd"));
  exports.Set("memfdToDmabuf", Napi::Function::New(env, MemfdToDmabuf, "memfdToDmabuf"));
  exports.Set("openMemfd", Napi::Function::New(env, Memfd::Open, "openMemfd"));
}
