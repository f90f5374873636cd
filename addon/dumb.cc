#include "dumb.h"

#include <drm_fourcc.h>
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "arguments.h"
#include "drm-compat.h"
#include "worker.h"

namespace {

/** 0 for a format that no dumb buffer is made in. */
uint32_t BitsPerPixel(uint32_t format) {
  switch (format) {
    case DRM_FORMAT_XRGB8888:
    case DRM_FORMAT_ARGB8888:
    case DRM_FORMAT_XBGR8888:
    case DRM_FORMAT_ABGR8888:
    case DRM_FORMAT_RGBX8888:
    case DRM_FORMAT_RGBA8888:
    case DRM_FORMAT_BGRX8888:
    case DRM_FORMAT_BGRA8888:
    case DRM_FORMAT_XRGB2101010:
    case DRM_FORMAT_ARGB2101010:
    case DRM_FORMAT_XBGR2101010:
    case DRM_FORMAT_ABGR2101010:
      return 32;
    case DRM_FORMAT_RGB565:
    case DRM_FORMAT_BGR565:
    case DRM_FORMAT_XRGB1555:
    case DRM_FORMAT_ARGB1555:
      return 16;
    default:
      return 0;
  }
}

struct DumbRequest {
  uint32_t width, height, format, fill;
  bool framebuffer;
};

void Check(int status, const char* syscall) {
  if (status != 0) throw Failure{-status, syscall};
}

std::shared_ptr<DumbBuffer> Create(const SharedFd& card, const DumbRequest& request) {
  const uint32_t bits = BitsPerPixel(request.format);
  if (bits == 0) throw Failure{EINVAL, "ioctl(DRM_IOCTL_MODE_CREATE_DUMB)"};

  auto buffer = std::make_shared<DumbBuffer>(card);
  buffer->width = request.width;
  buffer->height = request.height;
  Check(drmModeCreateDumbBuffer(card->Get(), request.width, request.height, bits, 0, &buffer->handle,
                                &buffer->pitch, &buffer->size),
        "ioctl(DRM_IOCTL_MODE_CREATE_DUMB)");
  if (request.framebuffer) {
    const uint32_t handles[4] = {buffer->handle};
    const uint32_t pitches[4] = {buffer->pitch};
    const uint32_t offsets[4] = {};
    Check(drmModeAddFB2(card->Get(), request.width, request.height, request.format, handles, pitches, offsets,
                        &buffer->framebuffer, 0),
          "ioctl(DRM_IOCTL_MODE_ADDFB2)");
  }
  uint64_t offset = 0;
  Check(drmModeMapDumbBuffer(card->Get(), buffer->handle, &offset), "ioctl(DRM_IOCTL_MODE_MAP_DUMB)");
  void* pixels = mmap(nullptr, buffer->size, PROT_READ | PROT_WRITE, MAP_SHARED, card->Get(),
                      static_cast<off_t>(offset));
  if (pixels == MAP_FAILED) throw Failure{errno, "mmap"};
  buffer->pixels = static_cast<uint8_t*>(pixels);
  std::fill_n(static_cast<uint32_t*>(pixels), buffer->size / sizeof(uint32_t), request.fill);
  return buffer;
}

}  // namespace

DumbBuffer::~DumbBuffer() {
  if (pixels != nullptr) munmap(pixels, size);
  if (framebuffer != 0) {
    // RMFB waits for commits, and the event loop must not: only for kernels without CLOSEFB (before 6.8).
    drm_mode_closefb request{framebuffer, 0};
    if (drmIoctl(card->Get(), DRM_IOCTL_MODE_CLOSEFB, &request) != 0) drmModeRmFB(card->Get(), framebuffer);
  }
  if (handle != 0) drmModeDestroyDumbBuffer(card->Get(), handle);
}

Napi::Value Dumb::Make(Card* card, std::shared_ptr<DumbBuffer> buffer) {
  const Napi::Env env = card->Env();
  Dumb* dumb = New(env);
  const Napi::ArrayBuffer pixels = Napi::ArrayBuffer::New(env, buffer->pixels, buffer->size);
  dumb->SetConstant("width", Napi::Number::New(env, buffer->width));
  dumb->SetConstant("height", Napi::Number::New(env, buffer->height));
  dumb->SetConstant("pitch", Napi::Number::New(env, buffer->pitch));
  dumb->SetConstant("size", Napi::Number::New(env, static_cast<double>(buffer->size)));
  dumb->SetConstant("framebuffer", Napi::Number::New(env, buffer->framebuffer));
  dumb->SetConstant("pixels", pixels);
  dumb->pixels_ = Napi::Persistent(pixels);
  dumb->buffer_ = std::move(buffer);
  dumb->card_ = card;
  dumb->card_object_ = Napi::Persistent(card->Value());
  card->Adopt(dumb);
  return dumb->Value();
}

void Dumb::Close() {
  if (!buffer_) return;
  const Napi::HandleScope scope(Env());
  napi_detach_arraybuffer(Env(), pixels_.Value());
  pixels_.Reset();
  card_->Disown(this);
  card_object_.Reset();
  buffer_.reset();
}

const std::shared_ptr<DumbBuffer>& Dumb::Buffer() const {
  if (!buffer_) ThrowClosed("ioctl");
  return buffer_;
}

std::shared_ptr<DumbBuffer> Dumb::BufferOf(const Napi::Value& value, const char* name) {
  const Dumb* dumb = From(value);
  if (dumb == nullptr) throw Napi::TypeError::New(value.Env(), std::string(name) + " must be a NativeDumb");
  return dumb->Buffer();
}

Napi::Value Card::CreateDumb(const Napi::CallbackInfo& info) {
  const Napi::Object options = Object(info[0], "options");
  DumbRequest request{};
  request.width = Uint32(options.Get("width"), "options.width");
  request.height = Uint32(options.Get("height"), "options.height");
  request.format = Uint32(options.Get("format"), "options.format");
  request.fill = Uint32(options.Get("fill"), "options.fill");
  request.framebuffer = Boolean(options.Get("framebuffer"), "options.framebuffer");
  return RunOnWorker(
      info.Env(), [request, file = File()] { return Create(file, request); },
      [this, keep = Napi::Persistent(Value())](Napi::Env, std::shared_ptr<DumbBuffer> buffer) {
        static_cast<void>(File());  // throws when the card was closed meanwhile
        return Dumb::Make(this, std::move(buffer));
      });
}

void InitDumb(Napi::Env env) { Dumb::Define(env, {}); }
