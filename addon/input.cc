#include "input.h"

#include <fcntl.h>
#include <linux/input.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <utility>

#include "arguments.h"
#include "exchange.h"
#include "fd.h"
#include "worker.h"

namespace {

void IgnoreLog(libinput* /*library*/, libinput_log_priority /*priority*/, const char* /*format*/,
               va_list /*arguments*/) {}

}  // namespace

void Input::Init(Napi::Env env) {
  Define(env, {InstanceMethod("device", &Input::DeviceInfo), InstanceMethod("leds", &Input::Leds),
               InstanceMethod("grab", &Input::Grab), InstanceMethod("suspend", &Input::Suspend),
               InstanceMethod("resume", &Input::Resume)});
}

Napi::Value Input::Open(const Napi::CallbackInfo& info) {
  const std::string seat = String(info[0], "seat");
  const Napi::Object devices = Object(info[1], "devices");
  const Napi::Function open = Function(devices.Get("open"), "devices.open");
  const Napi::Function close = Function(devices.Get("close"), "devices.close");
  const Napi::Function on_events = Function(info[2], "onEvents");

  Input* input = New(info.Env());
  input->open_ = Napi::Persistent(open);
  input->close_ = Napi::Persistent(close);
  input->on_events_ = Napi::Persistent(on_events);
  try {
    input->Start(seat);
  } catch (const Napi::Error&) {
    input->Close();
    throw;
  }
  input->DispatchSoon();  // the devices that are there already
  return input->Value();
}

void Input::Start(const std::string& seat) {
  static constexpr libinput_interface kInterface{
      [](const char* path, int flags, void* input) {
        return static_cast<Input*>(input)->OpenRestricted(path, flags);
      },
      [](int fd, void* input) { static_cast<Input*>(input)->CloseRestricted(fd); }};
  const Udev context(udev_new(), udev_unref);
  library_.reset(libinput_udev_create_context(&kInterface, this, context.get()));
  if (!library_) throw Failure{ENOMEM, "libinput_udev_create_context"}.In(Env());
  libinput_log_set_handler(library_.get(), IgnoreLog);
  if (libinput_udev_assign_seat(library_.get(), seat.c_str()) != 0) {
    throw Failure{EINVAL, "libinput_udev_assign_seat"}.In(Env());
  }
  OpenPoll(libinput_get_fd(library_.get()), [this](int, int) { Dispatch(); });
  Watch(UV_READABLE);
}

Input::~Input() {
  javascript_ = false;  // a finalizer must not run any
  CloseQuietly();
}

void Input::Close() {
  ClosePoll();
  on_events_.Reset();
  if (busy_) return;  // libinput or its caller is below us on the stack and comes back here
  devices_.clear();
  busy_ = true;
  library_.reset();
  busy_ = false;
  open_.Reset();
  close_.Reset();
}

libinput_device* Input::DeviceOf(uint32_t id) {
  if (on_events_.IsEmpty()) ThrowClosed("libinput");
  const auto found = devices_.find(id);
  return found == devices_.end() ? nullptr : found->second.get();
}

Napi::Value Input::DeviceInfo(const Napi::CallbackInfo& info) {
  libinput_device* device = DeviceOf(Uint32(info[0], "id"));
  if (device == nullptr) return info.Env().Undefined();
  Napi::Object object = Napi::Object::New(info.Env());
  object.Set("name", libinput_device_get_name(device));
  object.Set("sysname", libinput_device_get_sysname(device));
  const auto can = [&](libinput_device_capability capability) {
    return Napi::Boolean::New(info.Env(), libinput_device_has_capability(device, capability) != 0);
  };
  object.Set("keyboard", can(LIBINPUT_DEVICE_CAP_KEYBOARD));
  object.Set(
      "pointer",
      Napi::Boolean::New(info.Env(),
                         libinput_device_has_capability(device, LIBINPUT_DEVICE_CAP_POINTER) != 0 ||
                             libinput_device_has_capability(device, LIBINPUT_DEVICE_CAP_TABLET_TOOL) != 0));
  object.Set("power", libinput_device_keyboard_has_key(device, KEY_POWER) == 1 &&
                          libinput_device_keyboard_has_key(device, KEY_ENTER) == 0);
  object.Set("touch", can(LIBINPUT_DEVICE_CAP_TOUCH));
  object.Set("seat", libinput_seat_get_physical_name(libinput_device_get_seat(device)));
  object.Set("links", LinksOf(device));
  return object;
}

/** The names that udev gave its device node. */
Napi::Array Input::LinksOf(libinput_device* device) {
  Napi::Array links = Napi::Array::New(Env());
  const std::unique_ptr<udev_device, decltype(&udev_device_unref)> known(
      libinput_device_get_udev_device(device), udev_device_unref);
  if (!known) return links;
  udev_list_entry* link = udev_device_get_devlinks_list_entry(known.get());
  for (; link != nullptr; link = udev_list_entry_get_next(link)) {
    links[links.Length()] = Napi::String::New(Env(), udev_list_entry_get_name(link));
  }
  return links;
}

void Input::Leds(const Napi::CallbackInfo& info) {
  libinput_device* device = DeviceOf(Uint32(info[0], "id"));
  const uint32_t leds = Uint32(info[1], "leds");
  if (device != nullptr) libinput_device_led_update(device, static_cast<libinput_led>(leds));
}

Napi::Value Input::Grab(const Napi::CallbackInfo& info) {
  libinput_device* device = DeviceOf(Uint32(info[0], "id"));
  const int grab = Boolean(info[1], "grab") ? 1 : 0;
  const auto found = device == nullptr ? fds_.end() : fds_.find(libinput_device_get_sysname(device));
  // A device that has just gone takes its grab along.
  Fd fd(found == fds_.end() ? -1 : fcntl(found->second, F_DUPFD_CLOEXEC, 0));
  // Giving up a grab waits for an RCU grace period.
  return RunOnWorker(info.Env(), [fd = std::make_shared<const Fd>(std::move(fd)), grab] {
    if (*fd && ioctl(fd->Get(), EVIOCGRAB, grab) < 0 && errno != ENODEV) {
      throw Failure{errno, "ioctl(EVIOCGRAB)"};
    }
  });
}

void Input::Suspend(const Napi::CallbackInfo& /*info*/) {
  if (on_events_.IsEmpty()) ThrowClosed("libinput");
  busy_ = true;
  libinput_suspend(library_.get());
  Continue();
}

void Input::Resume(const Napi::CallbackInfo& /*info*/) {
  if (on_events_.IsEmpty()) ThrowClosed("libinput");
  busy_ = true;
  const int result = libinput_resume(library_.get());
  Continue();
  if (result != 0) throw Failure{EIO, "libinput_resume"}.In(Env());
}

Napi::Value Input::Call(const Napi::FunctionReference& function,
                        std::initializer_list<napi_value> arguments) {
  // A plain call: entering as from the event loop would run microtasks in the middle of libinput.
  try {
    return function.Call(arguments);
  } catch (const Napi::Error& error) {
    napi_fatal_exception(Env(), error.Value());
    return Env().Undefined();
  }
}

int Input::OpenRestricted(const char* path, int flags) {
  const Napi::HandleScope scope(Env());
  const Napi::Value fd = Call(open_, {Napi::String::New(Env(), path), Napi::Number::New(Env(), flags)});
  if (!fd.IsNumber()) return -EIO;
  const int opened = fd.As<Napi::Number>().Int32Value();
  if (opened >= 0) fds_[std::filesystem::path(path).filename()] = opened;
  return opened;
}

void Input::CloseRestricted(int fd) {
  for (auto known = fds_.begin(); known != fds_.end();) {
    known = known->second == fd ? fds_.erase(known) : std::next(known);
  }
  if (!javascript_) {
    close(fd);
    return;
  }
  const Napi::HandleScope scope(Env());
  Call(close_, {Napi::Number::New(Env(), fd)});
}

void Input::Dispatch() {
  if (on_events_.IsEmpty()) return;
  auto* records = Exchange::Of(Env()).Records<Record>();
  busy_ = true;
  bool more = libinput_dispatch(library_.get()) == 0;
  size_t count = 0;
  while (more && count + Record::kMostOfEvent <= Exchange::kCapacity<Record>) {
    libinput_event* event = libinput_get_event(library_.get());
    more = event != nullptr;
    if (!more) break;
    count += ReadRecords(event, &records[count]);
    libinput_event_destroy(event);
  }
  if (count > 0) Enter(on_events_, {Napi::Number::New(Env(), static_cast<double>(count))});
  for (const uint32_t id : std::exchange(removed_, {})) devices_.erase(id);
  // One batch a turn: a device that floods keeps nothing else waiting.
  Continue(more);
}

/** libinput and its callers are no longer below us on the stack. */
void Input::Continue(bool more) {
  busy_ = false;
  if (on_events_.IsEmpty()) {
    Close();
  } else if (more) {
    DispatchSoon();
  }
}

/** For what waits in libinput's queue, which its descriptor does not tell. */
void Input::DispatchSoon() {
  if (std::exchange(soon_, true)) return;
  RunOnWorker(
      Env(), [] { return 0; },
      [this, keep = Napi::Persistent(Value())](Napi::Env env, int) {
        soon_ = false;
        Dispatch();
        return env.Undefined();
      });
}

void InitInput(Napi::Env env, Napi::Object exports) {
  Input::Init(env);
  exports.Set("openInput", Napi::Function::New(env, Input::Open, "openInput"));
}
