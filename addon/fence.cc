#include "fence.h"

#include <fcntl.h>
#include <poll.h>

#include <cerrno>
#include <utility>

#include "arguments.h"
#include "card.h"
#include "drm-compat.h"

namespace {

/** The write fences a dma-buf has now, as one file: readable when all have signalled. Linux 6.0. */
Fd ExportFences(int dmabuf) {
  dma_buf_export_sync_file request{DMA_BUF_SYNC_READ, -1};
  return Fd(drmIoctl(dmabuf, DMA_BUF_IOCTL_EXPORT_SYNC_FILE, &request) == 0 ? request.fd : -1);
}

bool IsReadable(int fd) {
  pollfd look{fd, POLLIN, 0};
  // What cannot be asked is not waited for either.
  return poll(&look, 1, 0) != 0;
}

Napi::Value FencesSignalled(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), IsReadable(Descriptor(info[0], "fd")));
}

}  // namespace

Napi::Value FenceWait::Begin(const Napi::CallbackInfo& info) {
  const std::vector<int> fds = Descriptors(info[0], "fds");
  const Napi::Function callback = Function(info[1], "callback");
  std::vector<Fd> fences;
  for (const int fd : fds) {
    Fd fence = ExportFences(fd);
    // An older kernel: the buffer itself is asked, and with it whatever it is drawn with later.
    if (!fence) fence = Fd(fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (!fence) throw Failure{errno, "fcntl(F_DUPFD_CLOEXEC)", {{"fd", fd}}}.In(info.Env());
    fences.push_back(std::move(fence));
  }
  FenceWait* wait = New(info.Env());
  wait->on_signalled_ = Napi::Persistent(callback);
  wait->fences_ = std::move(fences);
  wait->WaitForLast();
  return wait->Value();
}

void FenceWait::WaitForLast() {
  if (fences_.empty()) return;
  OpenPoll(fences_.back().Get(), [this](int, int) {
    ClosePoll();
    fences_.pop_back();
    if (!fences_.empty()) {
      WaitForLast();
      return;
    }
    const Napi::FunctionReference callback = std::move(on_signalled_);
    Enter(callback, {});
  });
  Watch(UV_READABLE);
}

void FenceWait::Close() {
  ClosePoll();
  fences_.clear();
  on_signalled_.Reset();
}

Napi::Value Card::SignalledFence(const Napi::CallbackInfo& info) {
  const int card = Descriptor();
  uint32_t handle = 0;
  uint32_t pitch = 0;
  uint64_t size = 0;
  constexpr uint32_t kSide = 64;
  constexpr uint32_t kBits = 32;
  int status = drmModeCreateDumbBuffer(card, kSide, kSide, kBits, 0, &handle, &pitch, &size);
  if (status != 0) return Napi::Number::New(info.Env(), status);
  int dmabuf = -1;
  status = drmPrimeHandleToFD(card, handle, DRM_CLOEXEC, &dmabuf) == 0 ? 0 : -errno;
  drmModeDestroyDumbBuffer(card, handle);
  if (status != 0) return Napi::Number::New(info.Env(), status);
  const Fd buffer(dmabuf);
  Fd fence = ExportFences(buffer.Get());
  return Napi::Number::New(info.Env(), fence ? fence.Release() : -errno);
}

void InitFence(Napi::Env env, Napi::Object exports) {
  FenceWait::Define(env, {});
  exports.Set("awaitFences", Napi::Function::New(env, FenceWait::Begin, "awaitFences"));
  exports.Set("fencesSignalled", Napi::Function::New(env, FencesSignalled, "fencesSignalled"));
}
