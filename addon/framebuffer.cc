#include <drm_fourcc.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string>

#include "arguments.h"
#include "card.h"
#include "drm-compat.h"
#include "worker.h"

namespace {

constexpr size_t kMaxPlanes = 4;
using PerPlane = std::array<uint32_t, kMaxPlanes>;

struct Layout {
  uint32_t width, height, format;
  std::optional<uint64_t> modifier;
  size_t planes;
  PerPlane offsets, pitches;
};

/** GEM handles of one import. Closed when the framebuffer is made or refused: it keeps the objects alive
 * itself. */
struct GemHandles {
  int card;
  PerPlane handles{};

  explicit GemHandles(int fd) : card(fd) {}
  GemHandles(const GemHandles&) = delete;
  GemHandles& operator=(const GemHandles&) = delete;
  ~GemHandles() {
    // PRIME handles are shared within a card's file and not counted: each distinct one is closed once.
    for (auto handle = handles.begin(); handle != handles.end(); handle++) {
      if (*handle != 0 && std::find(handles.begin(), handle, *handle) == handle) {
        drmCloseBufferHandle(card, *handle);
      }
    }
  }
};

size_t ReadPlanes(const Napi::Value& value, const char* name, PerPlane* result) {
  const std::vector<uint32_t> numbers = Uint32s(value, name);
  if (numbers.empty() || numbers.size() > kMaxPlanes) {
    throw Napi::RangeError::New(value.Env(), std::string(name) + " must hold 1 to 4 numbers");
  }
  std::copy(numbers.begin(), numbers.end(), result->begin());
  return numbers.size();
}

std::optional<uint64_t> ReadModifier(const Napi::Value& value) {
  if (value.IsUndefined()) return std::nullopt;
  const Napi::Object halves = Object(value, "layout.modifier");
  return uint64_t{Uint32(halves.Get("high"), "layout.modifier.high")} << 32 |
         Uint32(halves.Get("low"), "layout.modifier.low");
}

Layout ReadLayout(const Napi::Object& object) {
  Layout layout{};
  layout.width = Uint32(object.Get("width"), "layout.width");
  layout.height = Uint32(object.Get("height"), "layout.height");
  layout.format = Uint32(object.Get("format"), "layout.format");
  layout.modifier = ReadModifier(object.Get("modifier"));
  layout.planes = ReadPlanes(object.Get("offsets"), "layout.offsets", &layout.offsets);
  if (ReadPlanes(object.Get("pitches"), "layout.pitches", &layout.pitches) != layout.planes) {
    throw Napi::RangeError::New(object.Env(), "layout.offsets and layout.pitches must be of one length");
  }
  return layout;
}

}  // namespace

Napi::Value Card::ImportFramebuffer(const Napi::CallbackInfo& info) {
  const Layout layout = ReadLayout(Object(info[0], "layout"));
  const std::vector<int> fds = Descriptors(info[1], "fds");
  if (fds.empty() || fds.size() > layout.planes) {
    throw Napi::RangeError::New(info.Env(), "fds must hold one file descriptor, or one for each plane");
  }

  const int card = Descriptor();
  GemHandles gem(card);
  PerPlane& handles = gem.handles;
  for (size_t plane = 0; plane < layout.planes; plane++) {
    const int fd = fds.size() < layout.planes ? fds[0] : fds[plane];
    if (drmPrimeFDToHandle(card, fd, &handles[plane]) != 0) {
      throw Failure{errno, "ioctl(DRM_IOCTL_PRIME_FD_TO_HANDLE)", {{"fd", fd}}}.In(info.Env());
    }
  }

  std::array<uint64_t, kMaxPlanes> modifiers{};
  std::fill_n(modifiers.begin(), layout.planes, layout.modifier.value_or(0));
  const bool explicit_modifier = layout.modifier.has_value();
  uint32_t framebuffer = 0;
  const int status = drmModeAddFB2WithModifiers(card, layout.width, layout.height, layout.format,
                                                handles.data(), layout.pitches.data(), layout.offsets.data(),
                                                explicit_modifier ? modifiers.data() : nullptr, &framebuffer,
                                                explicit_modifier ? DRM_MODE_FB_MODIFIERS : 0);
  if (status != 0) throw Failure{-status, "ioctl(DRM_IOCTL_MODE_ADDFB2)", {{"fd", fds[0]}}}.In(info.Env());
  return Napi::Number::New(info.Env(), framebuffer);
}

Napi::Value Card::CloseFramebuffer(const Napi::CallbackInfo& info) {
  drm_mode_closefb request{Uint32(info[0], "id"), 0};
  const int status = drmIoctl(Descriptor(), DRM_IOCTL_MODE_CLOSEFB, &request);
  return Napi::Number::New(info.Env(), status == 0 ? 0 : -errno);
}

Napi::Value Card::RemoveFramebuffer(const Napi::CallbackInfo& info) {
  const uint32_t id = Uint32(info[0], "id");
  return RunOnWorker(info.Env(), [id, file = File()] {
    const int status = drmModeRmFB(file->Get(), id);
    if (status != 0) throw Failure{-status, "ioctl(DRM_IOCTL_MODE_RMFB)", {{"framebuffer", id}}};
  });
}
