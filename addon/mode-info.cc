#include "mode-info.h"

#include <string>

#include "arguments.h"

namespace {

template <typename T>
struct Field {
  const char* name;
  const char* argument;
  T drmModeModeInfo::*member;
};

constexpr Field<uint16_t> kShorts[] = {
    {"hdisplay", "mode.hdisplay", &drmModeModeInfo::hdisplay},
    {"hsyncStart", "mode.hsyncStart", &drmModeModeInfo::hsync_start},
    {"hsyncEnd", "mode.hsyncEnd", &drmModeModeInfo::hsync_end},
    {"htotal", "mode.htotal", &drmModeModeInfo::htotal},
    {"hskew", "mode.hskew", &drmModeModeInfo::hskew},
    {"vdisplay", "mode.vdisplay", &drmModeModeInfo::vdisplay},
    {"vsyncStart", "mode.vsyncStart", &drmModeModeInfo::vsync_start},
    {"vsyncEnd", "mode.vsyncEnd", &drmModeModeInfo::vsync_end},
    {"vtotal", "mode.vtotal", &drmModeModeInfo::vtotal},
    {"vscan", "mode.vscan", &drmModeModeInfo::vscan},
};

constexpr Field<uint32_t> kWords[] = {
    {"clock", "mode.clock", &drmModeModeInfo::clock},
    {"vrefresh", "mode.vrefresh", &drmModeModeInfo::vrefresh},
    {"flags", "mode.flags", &drmModeModeInfo::flags},
    {"type", "mode.type", &drmModeModeInfo::type},
};

}  // namespace

Napi::Object FromMode(Napi::Env env, const drmModeModeInfo& mode) {
  Napi::Object object = Napi::Object::New(env);
  for (const auto& field : kWords) object.Set(field.name, mode.*field.member);
  for (const auto& field : kShorts) object.Set(field.name, uint32_t{mode.*field.member});
  object.Set("name", std::string(mode.name, strnlen(mode.name, sizeof(mode.name))));
  return object;
}

drmModeModeInfo ToMode(const Napi::Object& object) {
  drmModeModeInfo mode{};
  for (const auto& field : kWords) mode.*field.member = Uint32(object.Get(field.name), field.argument);
  for (const auto& field : kShorts) {
    mode.*field.member = Number<uint16_t>(object.Get(field.name), field.argument);
  }
  String(object.Get("name"), "mode.name").copy(mode.name, sizeof(mode.name) - 1);
  return mode;
}
