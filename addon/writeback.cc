#include <fcntl.h>
#include <poll.h>

#include <cerrno>
#include <memory>

#include "arguments.h"
#include "card.h"
#include "drm-compat.h"
#include "worker.h"

namespace {

constexpr int kFenceTimeoutMs = 1000;

struct WritebackJob {
  uint32_t crtc, connector, framebuffer;
  uint32_t crtc_id_property, framebuffer_id_property, out_fence_property;
};

void Wait(const Fd& fence) {
  pollfd wait{fence.Get(), POLLIN, 0};
  const int ready = poll(&wait, 1, kFenceTimeoutMs);
  if (ready < 0) throw Failure{errno, "poll"};
  if (ready == 0) throw Failure{ETIMEDOUT, "poll"};
}

void Run(int card, const WritebackJob& job) {
  const auto fail = [&job](int error) {
    return Failure{error,
                   "ioctl(DRM_IOCTL_MODE_ATOMIC)",
                   {{"crtc", job.crtc}, {"connector", job.connector}, {"framebuffer", job.framebuffer}}};
  };
  int32_t fence = -1;
  const std::unique_ptr<drmModeAtomicReq, decltype(&drmModeAtomicFree)> request(drmModeAtomicAlloc(),
                                                                                drmModeAtomicFree);
  if (!request) throw fail(ENOMEM);
  const auto add = [&](uint32_t property, uint64_t value) {
    const int count = drmModeAtomicAddProperty(request.get(), job.connector, property, value);
    if (count < 0) throw fail(-count);
  };
  add(job.crtc_id_property, job.crtc);
  add(job.framebuffer_id_property, job.framebuffer);
  add(job.out_fence_property, reinterpret_cast<uintptr_t>(&fence));

  // The first job on a CRTC attaches the connector to it, which counts as a modeset; later ones disturb
  // nobody.
  const bool seamless = drmModeAtomicCommit(card, request.get(), DRM_MODE_ATOMIC_TEST_ONLY, nullptr) == 0;
  const int status =
      drmModeAtomicCommit(card, request.get(), seamless ? 0 : DRM_MODE_ATOMIC_ALLOW_MODESET, nullptr);
  if (status != 0) throw fail(-status);
  Wait(Fd(fence));
}

}  // namespace

Napi::Value Card::Writeback(const Napi::CallbackInfo& info) {
  const Napi::Object object = Object(info[0], "job");
  const Napi::Object properties = Object(object.Get("properties"), "job.properties");
  WritebackJob job{};
  job.crtc = Uint32(object.Get("crtc"), "job.crtc");
  job.connector = Uint32(object.Get("connector"), "job.connector");
  job.framebuffer = Uint32(object.Get("framebuffer"), "job.framebuffer");
  job.crtc_id_property = Uint32(properties.Get("crtcId"), "job.properties.crtcId");
  job.framebuffer_id_property = Uint32(properties.Get("framebufferId"), "job.properties.framebufferId");
  job.out_fence_property = Uint32(properties.Get("outFence"), "job.properties.outFence");
  return RunOnWorker(info.Env(), [job, file = File()] { Run(file->Get(), job); });
}
