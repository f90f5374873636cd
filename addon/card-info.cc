#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "arguments.h"
#include "card.h"
#include "drm-compat.h"
#include "mode-info.h"
#include "worker.h"

namespace {

/** What libdrm allocated, with the function that frees it. */
template <typename T>
using Owned = std::unique_ptr<T, void (*)(T*)>;

template <typename T>
Owned<T> Own(T* pointer, void (*release)(T*)) {
  return {pointer, release};
}

template <typename T>
const T& Found(Napi::Env env, const Owned<T>& owned, const char* syscall, const char* what = nullptr,
               uint32_t id = 0) {
  if (owned) return *owned;
  Failure failure{errno, syscall};
  if (what != nullptr) failure.about.emplace_back(what, id);
  throw failure.In(env);
}

Napi::Array Numbers(Napi::Env env, const uint32_t* values, size_t count) {
  Napi::Array array = Napi::Array::New(env, count);
  for (uint32_t i = 0; i < count; i++) array.Set(i, values[i]);
  return array;
}

Napi::Value FromConnector(Napi::Env env, const drmModeConnector& connector) {
  Napi::Array modes = Napi::Array::New(env);
  for (uint32_t i = 0; i < static_cast<uint32_t>(connector.count_modes); i++) {
    modes.Set(i, FromMode(env, connector.modes[i]));
  }
  Napi::Object object = Napi::Object::New(env);
  object.Set("id", connector.connector_id);
  object.Set("type", connector.connector_type);
  object.Set("typeId", connector.connector_type_id);
  object.Set("connection", static_cast<uint32_t>(connector.connection));
  object.Set("mmWidth", connector.mmWidth);
  object.Set("mmHeight", connector.mmHeight);
  object.Set("encoderId", connector.encoder_id);
  object.Set("encoders", Numbers(env, connector.encoders, static_cast<size_t>(connector.count_encoders)));
  object.Set("modes", modes);
  return object;
}

Napi::Object FromProperty(Napi::Env env, const drmModePropertyRes& property, uint64_t value) {
  Napi::Array enums = Napi::Array::New(env);
  for (uint32_t i = 0; i < static_cast<uint32_t>(property.count_enums); i++) {
    Napi::Object entry = Napi::Object::New(env);
    entry.Set("value", Napi::BigInt::New(env, uint64_t{property.enums[i].value}));
    entry.Set("name", property.enums[i].name);
    enums.Set(i, entry);
  }
  const bool ranges = (property.flags & DRM_MODE_PROP_RANGE) != 0 && property.count_values == 2;
  Napi::Object object = Napi::Object::New(env);
  object.Set("id", property.prop_id);
  object.Set("name", property.name);
  object.Set("flags", property.flags);
  object.Set("value", Napi::BigInt::New(env, value));
  object.Set("enums", enums);
  if (ranges) {
    Napi::Array range = Napi::Array::New(env, 2);
    for (uint32_t i = 0; i < 2; i++)
      range.Set(i, Napi::BigInt::New(env, static_cast<uint64_t>(property.values[i])));
    object.Set("range", range);
  }
  return object;
}

}  // namespace

Napi::Value Card::Resources(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const auto owned = Own(drmModeGetResources(Descriptor()), drmModeFreeResources);
  const drmModeRes& resources = Found(env, owned, "ioctl(DRM_IOCTL_MODE_GETRESOURCES)");
  Napi::Object object = Napi::Object::New(env);
  object.Set("crtcs", Numbers(env, resources.crtcs, static_cast<size_t>(resources.count_crtcs)));
  object.Set("connectors",
             Numbers(env, resources.connectors, static_cast<size_t>(resources.count_connectors)));
  object.Set("encoders", Numbers(env, resources.encoders, static_cast<size_t>(resources.count_encoders)));
  object.Set("minWidth", resources.min_width);
  object.Set("maxWidth", resources.max_width);
  object.Set("minHeight", resources.min_height);
  object.Set("maxHeight", resources.max_height);
  return object;
}

Napi::Value Card::Planes(const Napi::CallbackInfo& info) {
  const auto owned = Own(drmModeGetPlaneResources(Descriptor()), drmModeFreePlaneResources);
  const drmModePlaneRes& resources = Found(info.Env(), owned, "ioctl(DRM_IOCTL_MODE_GETPLANERESOURCES)");
  return Numbers(info.Env(), resources.planes, resources.count_planes);
}

Napi::Value Card::ProbeConnector(const Napi::CallbackInfo& info) {
  const uint32_t id = Uint32(info[0], "id");
  return RunOnWorker(
      info.Env(),
      [id, file = File()] {
        auto connector = Own(drmModeGetConnector(file->Get(), id), drmModeFreeConnector);
        if (!connector) throw Failure{errno, "ioctl(DRM_IOCTL_MODE_GETCONNECTOR)", {{"connector", id}}};
        return connector;
      },
      [](Napi::Env env, const Owned<drmModeConnector>& connector) { return FromConnector(env, *connector); });
}

Napi::Value Card::Connector(const Napi::CallbackInfo& info) {
  const uint32_t id = Uint32(info[0], "id");
  const auto owned = Own(drmModeGetConnectorCurrent(Descriptor(), id), drmModeFreeConnector);
  return FromConnector(info.Env(),
                       Found(info.Env(), owned, "ioctl(DRM_IOCTL_MODE_GETCONNECTOR)", "connector", id));
}

Napi::Value Card::Encoder(const Napi::CallbackInfo& info) {
  const uint32_t id = Uint32(info[0], "id");
  const auto owned = Own(drmModeGetEncoder(Descriptor(), id), drmModeFreeEncoder);
  const drmModeEncoder& encoder = Found(info.Env(), owned, "ioctl(DRM_IOCTL_MODE_GETENCODER)", "encoder", id);
  Napi::Object object = Napi::Object::New(info.Env());
  object.Set("id", encoder.encoder_id);
  object.Set("type", encoder.encoder_type);
  object.Set("crtcId", encoder.crtc_id);
  object.Set("possibleCrtcs", encoder.possible_crtcs);
  object.Set("possibleClones", encoder.possible_clones);
  return object;
}

Napi::Value Card::Crtc(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const uint32_t id = Uint32(info[0], "id");
  const auto owned = Own(drmModeGetCrtc(Descriptor(), id), drmModeFreeCrtc);
  const drmModeCrtc& crtc = Found(env, owned, "ioctl(DRM_IOCTL_MODE_GETCRTC)", "crtc", id);
  Napi::Object object = Napi::Object::New(env);
  object.Set("id", crtc.crtc_id);
  object.Set("framebuffer", crtc.buffer_id);
  object.Set("x", crtc.x);
  object.Set("y", crtc.y);
  object.Set("mode", crtc.mode_valid != 0 ? Napi::Value(FromMode(env, crtc.mode)) : env.Null());
  object.Set("gammaSize", crtc.gamma_size);
  return object;
}

Napi::Value Card::Plane(const Napi::CallbackInfo& info) {
  const uint32_t id = Uint32(info[0], "id");
  const auto owned = Own(drmModeGetPlane(Descriptor(), id), drmModeFreePlane);
  const drmModePlane& plane = Found(info.Env(), owned, "ioctl(DRM_IOCTL_MODE_GETPLANE)", "plane", id);
  Napi::Object object = Napi::Object::New(info.Env());
  object.Set("id", plane.plane_id);
  object.Set("crtcId", plane.crtc_id);
  object.Set("framebuffer", plane.fb_id);
  object.Set("possibleCrtcs", plane.possible_crtcs);
  object.Set("formats", Numbers(info.Env(), plane.formats, plane.count_formats));
  return object;
}

Napi::Value Card::Properties(const Napi::CallbackInfo& info) {
  const uint32_t id = Uint32(info[0], "objectId");
  const uint32_t type = Uint32(info[1], "objectType");
  const int fd = Descriptor();
  const auto owned = Own(drmModeObjectGetProperties(fd, id, type), drmModeFreeObjectProperties);
  const drmModeObjectProperties& properties =
      Found(info.Env(), owned, "ioctl(DRM_IOCTL_MODE_OBJ_GETPROPERTIES)", "object", id);

  Napi::Array array = Napi::Array::New(info.Env(), properties.count_props);
  for (uint32_t i = 0; i < properties.count_props; i++) {
    const auto property = Own(drmModeGetProperty(fd, properties.props[i]), drmModeFreeProperty);
    array.Set(i, FromProperty(info.Env(),
                              Found(info.Env(), property, "ioctl(DRM_IOCTL_MODE_GETPROPERTY)", "property",
                                    properties.props[i]),
                              properties.prop_values[i]));
  }
  return array;
}

Napi::Value Card::Blob(const Napi::CallbackInfo& info) {
  const uint32_t id = Uint32(info[0], "id");
  const auto owned = Own(drmModeGetPropertyBlob(Descriptor(), id), drmModeFreePropertyBlob);
  const drmModePropertyBlobRes& blob =
      Found(info.Env(), owned, "ioctl(DRM_IOCTL_MODE_GETPROPBLOB)", "blob", id);
  Napi::Uint8Array bytes = Napi::Uint8Array::New(info.Env(), blob.length);
  if (blob.length > 0) std::memcpy(bytes.Data(), blob.data, blob.length);
  return bytes;
}
