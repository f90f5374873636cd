#include <cerrno>
#include <string>
#include <utility>

#include "arguments.h"
#include "bus-values.h"
#include "bus.h"

/** What a bus sends. */

BusMessage Bus::Compose(const Napi::Value& value, bool signal) {
  const Napi::Object object = Object(value, "message");
  const std::string path = String(object.Get("path"), "message.path");
  const std::string interface = String(object.Get("interface"), "message.interface");
  const std::string member = String(object.Get("member"), "message.member");
  const std::string signature = String(object.Get("signature"), "message.signature");
  const Napi::Value to = object.Get("destination");
  const std::string destination = to.IsUndefined() ? "" : String(to, "message.destination");

  sd_bus_message* message = nullptr;
  const int status =
      signal
          ? sd_bus_message_new_signal(bus_.get(), &message, path.c_str(), interface.c_str(), member.c_str())
          : sd_bus_message_new_method_call(bus_.get(), &message,
                                           destination.empty() ? nullptr : destination.c_str(), path.c_str(),
                                           interface.c_str(), member.c_str());
  if (status < 0) throw Failure{-status, "sd_bus_message_new"}.In(Env());
  BusMessage composed(message, sd_bus_message_unref);
  AppendValues(message, signature, object.Get("values"));
  return composed;
}

int Bus::Submit(sd_bus_message* message, Call* call) {
  if (Queued() >= kMaxQueued) return -ENOBUFS;
  if (call == nullptr) return sd_bus_send(bus_.get(), message, nullptr);
  sd_bus_slot* slot = nullptr;
  const int status = sd_bus_call_async(bus_.get(), &slot, message, OnReply, call, UINT64_MAX);
  call->slot.reset(slot);
  return status;
}

Napi::Value Bus::CallMethod(const Napi::CallbackInfo& info) {
  if (state_ == State::kClosed) ThrowClosed("sd_bus");
  Call& call = calls_.emplace_front(Call{this, nullptr});
  call.self = calls_.begin();
  napi_value promise = nullptr;
  napi_create_promise(info.Env(), &call.deferred, &promise);
  try {
    if (!IsConnected()) throw Failure{ENOTCONN, "sd_bus_call"};
    BusMessage message = Compose(info[0], false);
    if (sd_bus_is_ready(bus_.get()) > 0) {
      const int status = Submit(message.get(), &call);
      if (status < 0) throw Failure{-status, "sd_bus_call"};
    } else {
      waiting_.push_back({std::move(message), &call});
    }
  } catch (const Failure& failure) {
    Reject(&call, failure.In(info.Env()));
  } catch (const Napi::Error& error) {
    Reject(&call, error);
  }
  Update();
  return {info.Env(), promise};
}

void Bus::Reject(Call* call, const Napi::Error& error) {
  const napi_deferred deferred = call->deferred;
  calls_.erase(call->self);
  napi_reject_deferred(Env(), deferred, error.Value());
}

void Bus::Post(BusMessage message) {
  if (sd_bus_is_ready(bus_.get()) > 0) {
    const int status = Submit(message.get(), nullptr);
    Update();
    if (status < 0) throw Failure{-status, "sd_bus_send"}.In(Env());
  } else if (waiting_.size() < kMaxQueued) {
    waiting_.push_back({std::move(message), nullptr});
  } else {
    throw Failure{ENOBUFS, "sd_bus_send"}.In(Env());
  }
}

void Bus::Send(const Napi::CallbackInfo& info) {
  Require();
  Post(Compose(info[0], false));
}

void Bus::Emit(const Napi::CallbackInfo& info) {
  Require();
  Post(Compose(info[0], true));
}

Napi::Value Bus::Reply(const Napi::CallbackInfo& info) {
  if (state_ == State::kClosed) ThrowClosed("sd_bus");
  const uint64_t serial = Size(info[0], "serial");
  const auto asked = asked_.find(serial);
  if (asked == asked_.end()) return Napi::Number::New(info.Env(), -ENOENT);
  sd_bus_message* answer = nullptr;
  const int status = sd_bus_message_new_method_return(asked->second.get(), &answer);
  const BusMessage message(answer, sd_bus_message_unref);
  if (status < 0) return Napi::Number::New(info.Env(), status);
  if (!info[1].IsUndefined()) AppendValues(answer, String(info[1], "signature"), info[2]);
  return Answer(info.Env(), serial, answer);
}

Napi::Value Bus::Fail(const Napi::CallbackInfo& info) {
  if (state_ == State::kClosed) ThrowClosed("sd_bus");
  const uint64_t serial = Size(info[0], "serial");
  const std::string name = String(info[1], "name");
  const std::string text = String(info[2], "message");
  const auto asked = asked_.find(serial);
  if (asked == asked_.end()) return Napi::Number::New(info.Env(), -ENOENT);
  // The names of errors are made like those of interfaces.
  if (sd_bus_interface_name_is_valid(name.c_str()) <= 0) return Napi::Number::New(info.Env(), -EINVAL);
  const sd_bus_error error{name.c_str(), text.c_str(), 0};
  sd_bus_message* answer = nullptr;
  const int status = sd_bus_message_new_method_error(asked->second.get(), &answer, &error);
  const BusMessage message(answer, sd_bus_message_unref);
  if (status < 0) return Napi::Number::New(info.Env(), status);
  return Answer(info.Env(), serial, answer);
}

Napi::Value Bus::Answer(Napi::Env env, uint64_t serial, sd_bus_message* message) {
  const int status = Submit(message, nullptr);
  if (status >= 0) asked_.erase(serial);
  Update();
  return Napi::Number::New(env, status < 0 ? status : 0);
}
