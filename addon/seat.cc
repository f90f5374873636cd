#include "seat.h"

#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "arguments.h"
#include "worker.h"

namespace {

/** For functions of libseat: what they return, or -errno. */
int Result(int status) { return status < 0 ? -errno : status; }

}  // namespace

void Seat::Init(Napi::Env env) {
  Define(env,
         {InstanceMethod("openDevice", &Seat::OpenDevice), InstanceMethod("closeDevice", &Seat::CloseDevice),
          InstanceMethod("disable", &Seat::Disable), InstanceMethod("switchTo", &Seat::SwitchTo)});
}

Napi::Value Seat::Open(const Napi::CallbackInfo& info) {
  const Napi::Function on_active = Function(info[0], "onActive");
  const Napi::Function on_lost = Function(info[1], "onLost");
  Seat* seat = New(info.Env());
  seat->on_active_ = Napi::Persistent(on_active);
  seat->on_lost_ = Napi::Persistent(on_lost);
  try {
    seat->Start();
  } catch (const Napi::Error&) {
    seat->Close();
    throw;
  }
  // That the seat is active may wait in libseat's queue, which its descriptor does not tell.
  RunOnWorker(
      info.Env(), [] { return 0; },
      [seat, keep = Napi::Persistent(seat->Value())](Napi::Env env, int) {
        seat->Dispatch();
        return env.Undefined();
      });
  return seat->Value();
}

void Seat::Start() {
  static constexpr libseat_seat_listener kListener{
      [](libseat* /*seat*/, void* self) { static_cast<Seat*>(self)->Tell(true); },
      [](libseat* /*seat*/, void* self) { static_cast<Seat*>(self)->Tell(false); }};
  errno = 0;
  library_.reset(libseat_open_seat(&kListener, this));
  if (!library_) throw Failure{errno != 0 ? errno : ENODEV, "libseat_open_seat"}.In(Env());
  SetConstant("name", Napi::String::New(Env(), libseat_seat_name(library_.get())));
  OpenPoll(libseat_get_fd(library_.get()), [this](int, int) { Dispatch(); });
  Watch(UV_READABLE);
}

void Seat::Close() {
  ClosePoll();
  on_active_.Reset();
  on_lost_.Reset();
  if (busy_) return;  // libseat is below us on the stack and comes back to Dispatch
  for (const auto& [fd, device] : std::exchange(devices_, {})) {
    libseat_close_device(library_.get(), device);
    close(fd);
  }
  library_.reset();
}

libseat* Seat::Require() const {
  if (!library_ || on_active_.IsEmpty()) ThrowClosed("libseat");
  return library_.get();
}

Napi::Value Seat::OpenDevice(const Napi::CallbackInfo& info) {
  const std::string path = String(info[0], "path");
  libseat* seat = Require();
  int fd = -1;
  const int device = Result(libseat_open_device(seat, path.c_str(), &fd));
  if (device < 0) return Napi::Number::New(info.Env(), device);
  devices_[fd] = device;
  return Napi::Number::New(info.Env(), fd);
}

void Seat::CloseDevice(const Napi::CallbackInfo& info) {
  const int fd = Descriptor(info[0], "fd");
  libseat* seat = Require();
  const auto found = devices_.find(fd);
  if (found == devices_.end()) throw Failure{EBADF, "libseat_close_device", {{"fd", fd}}}.In(info.Env());
  libseat_close_device(seat, found->second);
  devices_.erase(found);
  close(fd);
}

Napi::Value Seat::Disable(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), Result(libseat_disable_seat(Require())));
}

Napi::Value Seat::SwitchTo(const Napi::CallbackInfo& info) {
  const int32_t session = Int32(info[0], "session");
  return Napi::Number::New(info.Env(), Result(libseat_switch_session(Require(), session)));
}

void Seat::Tell(bool active) {
  if (on_active_.IsEmpty()) return;
  const Napi::HandleScope scope(Env());
  Enter(on_active_, {Napi::Boolean::New(Env(), active)});
}

void Seat::Dispatch() {
  if (!library_ || busy_) return;
  busy_ = true;
  const int status = Result(libseat_dispatch(library_.get(), 0));
  busy_ = false;
  if (on_active_.IsEmpty()) {
    Close();
  } else if (status < 0) {
    Watch(0);
    Enter(on_lost_, {Napi::Number::New(Env(), -status)});
  }
}

void InitSeat(Napi::Env env, Napi::Object exports) {
  Seat::Init(env);
  exports.Set("openSeat", Napi::Function::New(env, Seat::Open, "openSeat"));
}
