#include "uinput.h"

#include <fcntl.h>
#include <linux/uinput.h>
#include <sys/ioctl.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <numeric>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "arguments.h"

namespace {

template <typename Argument>
void Control(Napi::Env env, const Fd& fd, unsigned long request, Argument argument, const char* syscall) {
  if (ioctl(fd.Get(), request, argument) < 0) throw Failure{errno, syscall}.In(env);
}

/** What a device can do, for UI_SET_*BIT and UI_ABS_SETUP. */
struct Abilities {
  std::vector<int> keys{}, relative{}, absolute{};
};

std::optional<Abilities> AbilitiesOf(const std::string& kind) {
  const std::vector<int> buttons{BTN_LEFT, BTN_RIGHT, BTN_MIDDLE, BTN_SIDE, BTN_EXTRA};
  if (kind == "mouse") return Abilities{buttons, {REL_X, REL_Y, REL_WHEEL, REL_HWHEEL}};
  if (kind == "tablet") return Abilities{buttons, {REL_WHEEL}, {ABS_X, ABS_Y}};
  if (kind != "keyboard") return std::nullopt;
  std::vector<int> keys(KEY_MICMUTE - KEY_ESC + 1);
  std::iota(keys.begin(), keys.end(), KEY_ESC);
  return Abilities{keys};
}

void Enable(Napi::Env env, const Fd& fd, const Abilities& abilities) {
  const auto types = {std::pair(EV_KEY, &abilities.keys), std::pair(EV_REL, &abilities.relative),
                      std::pair(EV_ABS, &abilities.absolute)};
  for (const auto& [type, codes] : types) {
    if (!codes->empty()) Control(env, fd, UI_SET_EVBIT, type, "ioctl(UI_SET_EVBIT)");
  }
  for (const int key : abilities.keys) Control(env, fd, UI_SET_KEYBIT, key, "ioctl(UI_SET_KEYBIT)");
  for (const int axis : abilities.relative) Control(env, fd, UI_SET_RELBIT, axis, "ioctl(UI_SET_RELBIT)");
  for (const int axis : abilities.absolute) {
    uinput_abs_setup setup{};
    setup.code = static_cast<uint16_t>(axis);
    setup.absinfo.maximum = 65535;
    Control(env, fd, UI_ABS_SETUP, &setup, "ioctl(UI_ABS_SETUP)");
  }
}

input_event Event(uint16_t type, uint16_t code, int32_t value) {
  input_event event{};
  event.type = type;
  event.code = code;
  event.value = value;
  return event;
}

/** The eventN node among the children of the device in sysfs; empty until it is there. */
std::string FindDevnode(const std::string& sysname) {
  std::error_code gone;
  const std::filesystem::path device = "/sys/devices/virtual/input/" + sysname;
  for (const auto& child : std::filesystem::directory_iterator(device, gone)) {
    const std::string name = child.path().filename();
    std::string devnode = "/dev/input/" + name;
    if (name.rfind("event", 0) == 0 && access(devnode.c_str(), F_OK) == 0) return devnode;
  }
  return {};
}

}  // namespace

void Uinput::Init(Napi::Env env) {
  Define(env, {InstanceAccessor<&Uinput::Devnode>("devnode", napi_enumerable),
               InstanceMethod("emit", &Uinput::Emit)});
}

Napi::Value Uinput::Create(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string name = String(info[0], "name");
  const std::optional<Abilities> abilities =
      AbilitiesOf(info[1].IsUndefined() ? "keyboard" : String(info[1], "kind"));
  if (!abilities) throw Napi::TypeError::New(env, "kind must be 'keyboard', 'mouse' or 'tablet'");
  uinput_setup setup{};
  setup.id = {BUS_VIRTUAL, 1, 1, 1};
  name.copy(setup.name, sizeof(setup.name) - 1);

  Fd fd(open("/dev/uinput", O_WRONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) throw Failure{errno, "open", {}, "/dev/uinput"}.In(env);
  Enable(env, fd, *abilities);
  Control(env, fd, UI_DEV_SETUP, &setup, "ioctl(UI_DEV_SETUP)");
  Control(env, fd, UI_DEV_CREATE, 0, "ioctl(UI_DEV_CREATE)");
  Uinput* uinput = New(env);
  uinput->fd_ = std::move(fd);
  return uinput->Value();
}

Napi::Value Uinput::Devnode(const Napi::CallbackInfo& info) {
  if (!fd_) ThrowClosed("ioctl(UI_GET_SYSNAME)");
  std::array<char, 64> sysname{};
  Control(info.Env(), fd_, UI_GET_SYSNAME(sysname.size()), sysname.data(), "ioctl(UI_GET_SYSNAME)");
  return Napi::String::New(info.Env(), FindDevnode(sysname.data()));
}

void Uinput::Emit(const Napi::CallbackInfo& info) {
  if (!fd_) ThrowClosed("write");
  const std::array<input_event, 2> events{
      Event(Number<uint16_t>(info[0], "type"), Number<uint16_t>(info[1], "code"), Int32(info[2], "value")),
      Event(EV_SYN, SYN_REPORT, 0)};
  if (write(fd_.Get(), events.data(), sizeof(events)) < 0) throw Failure{errno, "write"}.In(info.Env());
}

void InitUinput(Napi::Env env, Napi::Object exports) {
  Uinput::Init(env);
  exports.Set("createUinput", Napi::Function::New(env, Uinput::Create, "createUinput"));
}
