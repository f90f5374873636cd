#include "uinput.h"

#include <fcntl.h>
#include <linux/uinput.h>
#include <sys/ioctl.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <string>
#include <utility>

#include "arguments.h"

namespace {

template <typename Argument>
void Control(Napi::Env env, const Fd& fd, unsigned long request, Argument argument, const char* syscall) {
  if (ioctl(fd.Get(), request, argument) < 0) throw Failure{errno, syscall}.In(env);
}

void EnableBits(Napi::Env env, const Fd& fd) {
  for (const int type : {EV_KEY, EV_REL}) Control(env, fd, UI_SET_EVBIT, type, "ioctl(UI_SET_EVBIT)");
  for (int key = KEY_ESC; key <= KEY_MICMUTE; key++) {
    Control(env, fd, UI_SET_KEYBIT, key, "ioctl(UI_SET_KEYBIT)");
  }
  for (const int button : {BTN_LEFT, BTN_RIGHT, BTN_MIDDLE}) {
    Control(env, fd, UI_SET_KEYBIT, button, "ioctl(UI_SET_KEYBIT)");
  }
  for (const int axis : {REL_X, REL_Y, REL_WHEEL}) {
    Control(env, fd, UI_SET_RELBIT, axis, "ioctl(UI_SET_RELBIT)");
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
  uinput_setup setup{};
  setup.id = {BUS_VIRTUAL, 1, 1, 1};
  name.copy(setup.name, sizeof(setup.name) - 1);

  Fd fd(open("/dev/uinput", O_WRONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) throw Failure{errno, "open", {}, "/dev/uinput"}.In(env);
  EnableBits(env, fd);
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
