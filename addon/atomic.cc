#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include "arguments.h"
#include "card.h"
#include "drm-compat.h"
#include "mode-info.h"
#include "worker.h"

namespace {

/** Far more than a modeset of every output of a card needs. */
constexpr uint32_t kMaxChanges = 512;

/**
 * The arrays of struct drm_mode_atomic, built from (object, property, value) triples. Straight from them to
 * the ioctl: libdrm's requests are allocated, copied and sorted, and this is done for every frame.
 */
class AtomicRequest {
 public:
  AtomicRequest(const Napi::Value& triples, const Napi::Value& number) {
    const Napi::Env env = triples.Env();
    const uint32_t count = Uint32(number, "count");
    if (!triples.IsTypedArray() || triples.As<Napi::TypedArray>().TypedArrayType() != napi_float64_array) {
      throw Napi::TypeError::New(env, "changes must be a Float64Array");
    }
    const auto array = triples.As<Napi::Float64Array>();
    if (count > kMaxChanges || array.ElementLength() < size_t{count} * 3) {
      throw Napi::RangeError::New(env, "changes must hold three numbers for each of count, 512 at most");
    }
    const double* triple = array.Data();
    for (uint32_t i = 0; i < count; i++, triple += 3) {
      const auto object = static_cast<uint32_t>(triple[0]);
      if (object_count_ == 0 || objects_[object_count_ - 1] != object) {
        objects_[object_count_] = object;
        property_counts_[object_count_++] = 0;
      }
      property_counts_[object_count_ - 1]++;
      properties_[i] = static_cast<uint32_t>(triple[1]);
      // Signed properties (CRTC_X) travel as the bits of a 64-bit integer.
      values_[i] = static_cast<uint64_t>(static_cast<int64_t>(triple[2]));
    }
  }

  /** 0 or -errno. */
  [[nodiscard]] int Commit(int card, uint32_t flags, uint32_t cookie) const {
    drm_mode_atomic request{};
    request.flags = flags;
    request.count_objs = object_count_;
    request.objs_ptr = reinterpret_cast<uintptr_t>(objects_.data());
    request.count_props_ptr = reinterpret_cast<uintptr_t>(property_counts_.data());
    request.props_ptr = reinterpret_cast<uintptr_t>(properties_.data());
    request.prop_values_ptr = reinterpret_cast<uintptr_t>(values_.data());
    request.user_data = cookie;
    return drmIoctl(card, DRM_IOCTL_MODE_ATOMIC, &request) == 0 ? 0 : -errno;
  }

 private:
  // Only the first of each are used, and those are written.
  std::array<uint32_t, kMaxChanges> objects_;          // NOLINT(cppcoreguidelines-pro-type-member-init)
  std::array<uint32_t, kMaxChanges> property_counts_;  // NOLINT(cppcoreguidelines-pro-type-member-init)
  std::array<uint32_t, kMaxChanges> properties_;       // NOLINT(cppcoreguidelines-pro-type-member-init)
  std::array<uint64_t, kMaxChanges> values_;           // NOLINT(cppcoreguidelines-pro-type-member-init)
  uint32_t object_count_ = 0;
};

}  // namespace

Napi::Value Card::Atomic(const Napi::CallbackInfo& info) {
  const AtomicRequest request(info[0], info[1]);
  const uint32_t flags = Uint32(info[2], "flags");
  const uint32_t cookie = Uint32(info[3], "cookie");
  return Napi::Number::New(info.Env(), request.Commit(Descriptor(), flags, cookie));
}

Napi::Value Card::AtomicSet(const Napi::CallbackInfo& info) {
  const AtomicRequest request(info[0], info[1]);
  const uint32_t flags = Uint32(info[2], "flags");
  return RunOnWorker(info.Env(), [request, flags, file = File()] {
    const int status = request.Commit(file->Get(), flags, 0);
    if (status != 0) throw Failure{-status, "ioctl(DRM_IOCTL_MODE_ATOMIC)"};
  });
}

Napi::Value Card::CreateModeBlob(const Napi::CallbackInfo& info) {
  const drmModeModeInfo mode = ToMode(Object(info[0], "mode"));
  uint32_t id = 0;
  const int status = drmModeCreatePropertyBlob(Descriptor(), &mode, sizeof(mode), &id);
  if (status != 0) throw Failure{-status, "ioctl(DRM_IOCTL_MODE_CREATEPROPBLOB)"}.In(info.Env());
  return Napi::Number::New(info.Env(), id);
}

Napi::Value Card::CreateDamageBlob(const Napi::CallbackInfo& info) {
  const drm_mode_rect clip{Int32(info[0], "left"), Int32(info[1], "top"), Int32(info[2], "right"),
                           Int32(info[3], "bottom")};
  uint32_t id = 0;
  const int status = drmModeCreatePropertyBlob(Descriptor(), &clip, sizeof(clip), &id);
  return Napi::Number::New(info.Env(), status != 0 ? status : static_cast<double>(id));
}

void Card::DestroyBlob(const Napi::CallbackInfo& info) {
  drmModeDestroyPropertyBlob(Descriptor(), Uint32(info[0], "id"));
}
