#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include "arguments.h"
#include "bus-values.h"
#include "bus.h"
#include "exchange.h"

/** What a bus receives. */

namespace {

/** Most calls of a peer that wait for their answer. */
constexpr size_t kMaxAsked = 1024;

const char* TextOf(const char* text) { return text == nullptr ? "" : text; }

Napi::Error BusErrorOf(Napi::Env env, sd_bus_message* message) {
  const sd_bus_error* error = sd_bus_message_get_error(message);
  Napi::Error result = Napi::Error::New(env, TextOf(error->message));
  result.Value().Set("code", TextOf(error->name));
  return result;
}

/** Whether a received message is merely too much: more descriptors, elements or bytes than we take. */
bool IsTooMuch(const Failure& failure) {
  return failure.error == EMSGSIZE || failure.error == EMFILE || failure.error == ENFILE;
}

int AnswerError(sd_bus_message* call, const char* name, const char* message) {
  const sd_bus_error error{name, message, 0};
  sd_bus_reply_method_error(call, &error);  // fails with the connection, which Process finds out
  return 1;
}

}  // namespace

template <typename Receiver, int (Bus::*Receive)(sd_bus_message*, Receiver*)>
int Bus::Enters(sd_bus_message* message, void* receiver, sd_bus_error* /*error*/) {
  auto* to = static_cast<Receiver*>(receiver);
  Bus* bus = to->bus;
  if (bus->state_ != State::kOpen) return 1;
  try {
    const Napi::HandleScope scope(bus->Env());
    return (bus->*Receive)(message, to);
  } catch (const Failure& failure) {
    return bus->Refuse(message, failure);
  } catch (const Napi::Error& error) {
    napi_fatal_exception(bus->Env(), error.Value());
    return 1;
  }
}

int Bus::OnReply(sd_bus_message* message, void* call, sd_bus_error* error) {
  return Enters<Call, &Bus::ReceiveReply>(message, call, error);
}

/** What cannot be read is answered where it is a call; where it is no D-Bus at all, the connection ends. */
int Bus::Refuse(sd_bus_message* message, const Failure& why) {
  if (!IsTooMuch(why)) {
    broken_ = true;
    return 1;
  }
  return AnswerError(message, SD_BUS_ERROR_LIMITS_EXCEEDED, "more than is taken in one message");
}

void Bus::Serve(const Napi::CallbackInfo& info) {
  const std::string path = String(info[0], "path");
  const Napi::Array methods = Array(info[1], "methods");
  const Napi::Function callback = Function(info[2], "callback");
  Served served{this, Napi::Persistent(callback)};
  for (uint32_t i = 0; i < methods.Length(); i++) {
    const Napi::Object method = Object(methods.Get(i), "methods");
    const std::string signature = String(method.Get("signature"), "signature");
    served.methods.push_back({String(method.Get("interface"), "interface"),
                              String(method.Get("member"), "member"), signature, IsFlat(signature)});
  }
  if (state_ == State::kClosed) ThrowClosed("sd_bus");
  if (!IsConnected()) return;  // onClosed tells
  Served& kept = served_.emplace_back(std::move(served));
  sd_bus_slot* slot = nullptr;
  const int status =
      sd_bus_add_object(bus_.get(), &slot, path.c_str(), Enters<Served, &Bus::ReceiveCall>, &kept);
  kept.slot.reset(slot);
  if (status >= 0) return;
  served_.pop_back();
  throw Failure{-status, "sd_bus_add_object", {}, path}.In(Env());
}

int Bus::ReceiveCall(sd_bus_message* message, Served* served) {
  const std::string_view interface = TextOf(sd_bus_message_get_interface(message));
  const std::string_view member = TextOf(sd_bus_message_get_member(message));
  for (size_t i = 0; i < served->methods.size(); i++) {
    const Method& method = served->methods[i];
    if (method.member != member || (!interface.empty() && method.interface != interface)) continue;
    const bool fits = method.signature == TextOf(sd_bus_message_get_signature(message, 1));
    if (fits) return Deliver(message, *served, i);
    return AnswerError(message, SD_BUS_ERROR_INVALID_ARGS, ("expected '" + method.signature + "'").c_str());
  }
  return 0;
}

int Bus::Deliver(sd_bus_message* message, const Served& served, size_t index) {
  const Method& method = served.methods[index];
  const bool asks = sd_bus_message_get_expect_reply(message) > 0;
  if (asks && asked_.size() == kMaxAsked) {
    return AnswerError(message, SD_BUS_ERROR_LIMITS_EXCEEDED, "too many calls wait for their answers");
  }
  napi_value values = Env().Null();
  if (method.flat) {
    ReadFlat(message, method.signature, &Exchange::Of(Env()));
  } else {
    values = ReadValues(Env(), message);
  }
  if (asks) asked_.emplace(++last_serial_, BusMessage(sd_bus_message_ref(message), sd_bus_message_unref));
  Enter(served.callback, {Napi::Number::New(Env(), static_cast<double>(index)),
                          Napi::Number::New(Env(), asks ? static_cast<double>(last_serial_) : 0), values});
  return 1;
}

int Bus::ReceiveReply(sd_bus_message* message, Call* call) {
  const Napi::AsyncContext context(Env(), "kms-switcher");
  const Napi::CallbackScope turn(Env(), context);  // microtasks run when it ends
  if (sd_bus_message_is_method_error(message, nullptr) != 0) {
    Reject(call, BusErrorOf(Env(), message));
    return 1;
  }
  try {
    const Napi::Array values = ReadValues(Env(), message);
    const napi_deferred deferred = call->deferred;
    calls_.erase(call->self);
    napi_resolve_deferred(Env(), deferred, values);
  } catch (const Failure& failure) {
    if (!IsTooMuch(failure)) throw;
    Reject(call, failure.In(Env()));
  }
  return 1;
}

void Bus::OnSignal(const Napi::CallbackInfo& info) {
  const std::string rule = String(info[0], "match");
  const Napi::Function callback = Function(info[1], "callback");
  if (state_ == State::kClosed) ThrowClosed("sd_bus");
  if (!IsConnected()) return;  // onClosed tells
  Match& match = matches_.emplace_back(Match{this, Napi::Persistent(callback)});
  sd_bus_slot* slot = nullptr;
  const int status = sd_bus_add_match_async(bus_.get(), &slot, rule.c_str(),
                                            Enters<Match, &Bus::ReceiveSignal>, nullptr, &match);
  match.slot.reset(slot);
  if (status < 0) matches_.pop_back();
  Update();
  if (status < 0) throw Failure{-status, "sd_bus_add_match"}.In(Env());
}

int Bus::ReceiveSignal(sd_bus_message* message, Match* match) {
  if (sd_bus_message_is_signal(message, nullptr, nullptr) <= 0) return 0;
  Napi::Object signal = Napi::Object::New(Env());
  signal.Set("path", TextOf(sd_bus_message_get_path(message)));
  signal.Set("interface", TextOf(sd_bus_message_get_interface(message)));
  signal.Set("member", TextOf(sd_bus_message_get_member(message)));
  signal.Set("signature", TextOf(sd_bus_message_get_signature(message, 1)));
  signal.Set("values", ReadValues(Env(), message));
  Enter(match->callback, {signal});
  return 0;
}
