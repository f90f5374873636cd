#include "card.h"

#include <fcntl.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "arguments.h"
#include "drm-compat.h"
#include "dumb.h"
#include "exchange.h"
#include "mode-info.h"
#include "worker.h"

namespace {

/** One flip event as the exchange carries it. */
struct FlipRecord {
  uint32_t crtc, cookie, sequence, seconds, microseconds;
};

using Version = std::unique_ptr<drmVersion, decltype(&drmFreeVersion)>;
Version GetVersion(int fd) { return {drmGetVersion(fd), drmFreeVersion}; }

/** For drmIoctl and those of its callers that leave the error in errno. */
int Result(int status) { return status < 0 ? -errno : status; }

/** Copies the flips of one read() of events into `records`; returns how many. */
size_t ParseEvents(const char* buffer, size_t length, FlipRecord* records) {
  size_t count = 0;
  drm_event header{};
  for (size_t at = 0; at + sizeof(header) <= length; at += header.length) {
    std::memcpy(&header, buffer + at, sizeof(header));
    if (header.length < sizeof(header)) break;
    drm_event_vblank event{};
    if (header.type != DRM_EVENT_FLIP_COMPLETE || at + sizeof(event) > length) continue;
    std::memcpy(&event, buffer + at, sizeof(event));
    records[count++] = {event.crtc_id, static_cast<uint32_t>(event.user_data), event.sequence, event.tv_sec,
                        event.tv_usec};
  }
  return count;
}

}  // namespace

void Card::Init(Napi::Env env) {
  Define(env, {
                  InstanceMethod("abandon", &Card::Abandon),
                  InstanceMethod("driverName", &Card::DriverName),
                  InstanceMethod("isMaster", &Card::IsMaster),
                  InstanceMethod("setMaster", &Card::SetMaster),
                  InstanceMethod("dropMaster", &Card::DropMaster),
                  InstanceMethod("capability", &Card::Capability),
                  InstanceMethod("setClientCapability", &Card::SetClientCapability),
                  InstanceMethod("setCrtc", &Card::SetCrtc),
                  InstanceMethod("setProperty", &Card::SetProperty),
                  InstanceMethod("flip", &Card::Flip),
                  InstanceMethod("onFlips", &Card::OnFlips),
                  InstanceMethod("setCursor", &Card::SetCursor),
                  InstanceMethod("moveCursor", &Card::MoveCursor),
                  InstanceMethod("resources", &Card::Resources),
                  InstanceMethod("planes", &Card::Planes),
                  InstanceMethod("probeConnector", &Card::ProbeConnector),
                  InstanceMethod("connector", &Card::Connector),
                  InstanceMethod("encoder", &Card::Encoder),
                  InstanceMethod("crtc", &Card::Crtc),
                  InstanceMethod("plane", &Card::Plane),
                  InstanceMethod("properties", &Card::Properties),
                  InstanceMethod("blob", &Card::Blob),
                  InstanceMethod("importFramebuffer", &Card::ImportFramebuffer),
                  InstanceMethod("closeFramebuffer", &Card::CloseFramebuffer),
                  InstanceMethod("removeFramebuffer", &Card::RemoveFramebuffer),
                  InstanceMethod("createDumb", &Card::CreateDumb),
                  InstanceMethod("signalledFence", &Card::SignalledFence),
                  InstanceMethod("writeback", &Card::Writeback),
                  InstanceMethod("atomic", &Card::Atomic),
                  InstanceMethod("atomicSet", &Card::AtomicSet),
                  InstanceMethod("createModeBlob", &Card::CreateModeBlob),
                  InstanceMethod("createDamageBlob", &Card::CreateDamageBlob),
                  InstanceMethod("destroyBlob", &Card::DestroyBlob),
              });
}

Napi::Value Card::Open(const Napi::CallbackInfo& info) {
  const std::string path = String(info[0], "path");
  const bool given = !info[1].IsUndefined();
  Fd fd(given ? fcntl(::Descriptor(info[1], "fd"), F_DUPFD_CLOEXEC, 0)
              : open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!fd) throw Failure{errno, given ? "fcntl(F_DUPFD_CLOEXEC)" : "open", {}, path}.In(info.Env());
  if (!GetVersion(fd.Get())) throw Failure{errno, "ioctl(DRM_IOCTL_VERSION)", {}, path}.In(info.Env());

  Card* card = New(info.Env());
  card->fd_ = std::make_shared<const Fd>(std::move(fd));
  card->SetConstant("path", Napi::String::New(info.Env(), path));
  return card->Value();
}

void Card::Close() {
  while (!dumbs_.empty()) (*dumbs_.begin())->Close();
  ClosePoll();
  on_flips_.Reset();
  fd_.reset();
}

void Card::Abandon(const Napi::CallbackInfo& /*info*/) {
  SharedFd file = fd_;
  Close();
  ReleaseElsewhere(std::move(file));
}

const SharedFd& Card::File() const {
  if (!fd_) ThrowClosed("ioctl");
  return fd_;
}

Napi::Value Card::DriverName(const Napi::CallbackInfo& info) {
  const Version version = GetVersion(Descriptor());
  if (!version) throw Failure{errno, "ioctl(DRM_IOCTL_VERSION)"}.In(info.Env());
  return Napi::String::New(info.Env(), version->name, static_cast<size_t>(version->name_len));
}

Napi::Value Card::IsMaster(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), drmIsMaster(Descriptor()) != 0);
}

Napi::Value Card::SetMaster(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), Result(drmSetMaster(Descriptor())));
}

Napi::Value Card::DropMaster(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), Result(drmDropMaster(Descriptor())));
}

Napi::Value Card::Capability(const Napi::CallbackInfo& info) {
  const uint32_t capability = Uint32(info[0], "capability");
  uint64_t value = 0;
  if (drmGetCap(Descriptor(), capability, &value) != 0) {
    throw Failure{errno, "ioctl(DRM_IOCTL_GET_CAP)"}.In(info.Env());
  }
  return Napi::Number::New(info.Env(), static_cast<double>(value));
}

Napi::Value Card::SetClientCapability(const Napi::CallbackInfo& info) {
  const uint32_t capability = Uint32(info[0], "capability");
  const uint32_t value = Uint32(info[1], "value");
  return Napi::Number::New(info.Env(), Result(drmSetClientCap(Descriptor(), capability, value)));
}

Napi::Value Card::SetCrtc(const Napi::CallbackInfo& info) {
  const uint32_t crtc = Uint32(info[0], "crtc");
  const uint32_t framebuffer = Uint32(info[1], "framebuffer");
  const uint32_t x = Uint32(info[2], "x");
  const uint32_t y = Uint32(info[3], "y");
  std::vector<uint32_t> connectors = Uint32s(info[4], "connectors");
  const bool on = !info[5].IsNull();
  drmModeModeInfo mode = on ? ToMode(Object(info[5], "mode")) : drmModeModeInfo{};
  return RunOnWorker(info.Env(), [=, file = File()]() mutable {
    const int status = drmModeSetCrtc(file->Get(), crtc, framebuffer, x, y, connectors.data(),
                                      static_cast<int>(connectors.size()), on ? &mode : nullptr);
    if (status != 0) {
      throw Failure{-status, "ioctl(DRM_IOCTL_MODE_SETCRTC)", {{"crtc", crtc}, {"framebuffer", framebuffer}}};
    }
  });
}

Napi::Value Card::SetProperty(const Napi::CallbackInfo& info) {
  const uint32_t object = Uint32(info[0], "objectId");
  const uint32_t type = Uint32(info[1], "objectType");
  const uint32_t property = Uint32(info[2], "property");
  const uint32_t value = Uint32(info[3], "value");
  return RunOnWorker(info.Env(), [=, file = File()] {
    const int status = drmModeObjectSetProperty(file->Get(), object, type, property, value);
    if (status != 0) {
      throw Failure{
          -status, "ioctl(DRM_IOCTL_MODE_OBJ_SETPROPERTY)", {{"object", object}, {"property", property}}};
    }
  });
}

Napi::Value Card::Flip(const Napi::CallbackInfo& info) {
  const uint32_t crtc = Uint32(info[0], "crtc");
  const uint32_t framebuffer = Uint32(info[1], "framebuffer");
  const uintptr_t cookie = Uint32(info[2], "cookie");
  return Napi::Number::New(
      info.Env(), drmModePageFlip(Descriptor(), crtc, framebuffer, DRM_MODE_PAGE_FLIP_EVENT,
                                  reinterpret_cast<void*>(cookie)));  // NOLINT(performance-no-int-to-ptr)
}

void Card::OnFlips(const Napi::CallbackInfo& info) {
  const int fd = Descriptor();
  const bool first = on_flips_.IsEmpty();
  on_flips_ = Napi::Persistent(Function(info[0], "callback"));
  if (!first) return;
  OpenPoll(fd, [this](int status, int) { ReadEvents(status); });
  Watch(UV_READABLE);
}

void Card::ReadEvents(int status) {
  Exchange& exchange = Exchange::Of(Env());
  auto* records = exchange.Records<FlipRecord>();
  std::array<char, 4096> buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): read() fills it
  static_assert(buffer.size() / sizeof(drm_event_vblank) <= Exchange::kCapacity<FlipRecord>);
  // One read takes far more than the flips of a vblank; what is left wakes the poll again.
  const ssize_t length = read(fd_->Get(), buffer.data(), buffer.size());
  const size_t count = length > 0 ? ParseEvents(buffer.data(), static_cast<size_t>(length), records) : 0;
  const int error = length < 0 && errno != EAGAIN && errno != EINTR ? -errno : status;
  if (error < 0) Watch(0);
  if (count > 0) Enter(on_flips_, {Napi::Number::New(Env(), static_cast<double>(count))});
  if (error < 0 && !on_flips_.IsEmpty()) Enter(on_flips_, {Napi::Number::New(Env(), error)});
}

Napi::Value Card::SetCursor(const Napi::CallbackInfo& info) {
  const uint32_t crtc = Uint32(info[0], "crtc");
  const int32_t hot_x = Int32(info[2], "hotX");
  const int32_t hot_y = Int32(info[3], "hotY");
  const int fd = Descriptor();
  if (info[1].IsNull()) return Napi::Number::New(info.Env(), drmModeSetCursor(fd, crtc, 0, 0, 0));

  const DumbBuffer& image = *Dumb::BufferOf(info[1], "image");
  int status = drmModeSetCursor2(fd, crtc, image.handle, image.width, image.height, hot_x, hot_y);
  if (status == -EINVAL) status = drmModeSetCursor(fd, crtc, image.handle, image.width, image.height);
  return Napi::Number::New(info.Env(), status);
}

Napi::Value Card::MoveCursor(const Napi::CallbackInfo& info) {
  const uint32_t crtc = Uint32(info[0], "crtc");
  const int32_t x = Int32(info[1], "x");
  const int32_t y = Int32(info[2], "y");
  return Napi::Number::New(info.Env(), drmModeMoveCursor(Descriptor(), crtc, x, y));
}

void InitCard(Napi::Env env, Napi::Object exports) {
  Card::Init(env);
  exports.Set("openCard", Napi::Function::New(env, Card::Open, "openCard"));
}
