#include "uevent.h"

#include <unistd.h>

#include <string>

#include "arguments.h"

namespace {

using UdevDevice = std::unique_ptr<udev_device, decltype(&udev_device_unref)>;

Napi::Object PropertiesOf(Napi::Env env, udev_device* device) {
  Napi::Object properties = Napi::Object::New(env);
  udev_list_entry* entry = nullptr;
  udev_list_entry_foreach(entry, udev_device_get_properties_list_entry(device)) {
    const char* value = udev_list_entry_get_value(entry);
    properties.Set(udev_list_entry_get_name(entry), value != nullptr ? value : "");
  }
  return properties;
}

}  // namespace

Napi::Value Uevents::Watch(const Napi::CallbackInfo& info) {
  const std::string subsystem = String(info[0], "subsystem");
  const Napi::Function callback = Function(info[1], "callback");
  Uevents* uevents = New(info.Env());
  uevents->Open(subsystem);
  uevents->callback_ = Napi::Persistent(callback);
  return uevents->Value();
}

void Uevents::Open(const std::string& subsystem) {
  const Udev context(udev_new(), udev_unref);
  // udev tells after its rules ran; where it does not run, nobody would tell.
  const bool udev_runs = access("/run/udev/control", F_OK) == 0;
  monitor_.reset(udev_monitor_new_from_netlink(context.get(), udev_runs ? "udev" : "kernel"));
  if (!monitor_) throw Failure{errno, "socket(NETLINK_KOBJECT_UEVENT)"}.In(Env());

  const int filtered =
      udev_monitor_filter_add_match_subsystem_devtype(monitor_.get(), subsystem.c_str(), nullptr);
  const int status = filtered < 0 ? filtered : udev_monitor_enable_receiving(monitor_.get());
  if (status < 0) throw Failure{-status, "bind(NETLINK_KOBJECT_UEVENT)"}.In(Env());
  OpenPoll(udev_monitor_get_fd(monitor_.get()), [this](int, int) { Receive(); });
  Handle::Watch(UV_READABLE);
}

void Uevents::Close() {
  ClosePoll();
  callback_.Reset();
  monitor_.reset();
}

void Uevents::Receive() {
  const UdevDevice device(udev_monitor_receive_device(monitor_.get()), udev_device_unref);
  if (device) Enter(callback_, {PropertiesOf(Env(), device.get())});
}

void InitUevent(Napi::Env env, Napi::Object exports) {
  Uevents::Define(env, {});
  exports.Set("watchUevents", Napi::Function::New(env, Uevents::Watch, "watchUevents"));
}
