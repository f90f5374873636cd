#pragma once

#include <napi.h>
#include <systemd/sd-bus.h>

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fd.h"
#include "handle.h"

using BusMessage = std::unique_ptr<sd_bus_message, decltype(&sd_bus_message_unref)>;
using BusSlot = std::unique_ptr<sd_bus_slot, decltype(&sd_bus_slot_unref)>;

/** A D-Bus connection: NativeBus. sd-bus is never let wait: what it may send only when it is ready waits
 * here. */
class Bus final : public Handle<Bus> {
 public:
  static constexpr Kind kKind = Kind::kBus;
  static constexpr const char* kName = "NativeBus";
  static void Init(Napi::Env env);
  static Napi::Value Open(const Napi::CallbackInfo& info);

  using Handle::Handle;
  ~Bus() override;
  void Close();

 private:
  /** Most messages that a peer may leave unread. */
  static constexpr uint64_t kMaxQueued = 4096;

  enum class State : uint8_t { kClosed, kOpen, kLost };

  /** A call under way. */
  struct Call {
    Bus* bus;
    napi_deferred deferred;
    std::list<Call>::iterator self{};
    BusSlot slot{nullptr, sd_bus_slot_unref};
  };
  /** A message that waits until the connection is ready. */
  struct Waiting {
    BusMessage message;
    Call* call = nullptr;  // none for a message without a reply
  };
  struct Method {
    std::string interface, member, signature;
    bool flat;
  };
  /** Methods served at a path. */
  struct Served {
    Bus* bus;
    Napi::FunctionReference callback;
    std::vector<Method> methods{};
    BusSlot slot{nullptr, sd_bus_slot_unref};
  };
  /** Signals that somebody listens to. */
  struct Match {
    Bus* bus;
    Napi::FunctionReference callback;
    BusSlot slot{nullptr, sd_bus_slot_unref};
  };

  // bus-open.cc
  int Start(Fd fd, bool server);
  int Start(const std::string& address);
  void Run(int status);

  // bus.cc
  [[nodiscard]] bool IsConnected() const;
  [[nodiscard]] uint64_t Queued() const;
  void Wake(int status);
  int Process();
  void Update();
  void FlushWaiting();
  void Lose(int error);
  void RejectCalls(const Failure& why);
  void Release();
  void Require() const;
  Napi::Value Name(const Napi::CallbackInfo& info);
  void OnClosed(const Napi::CallbackInfo& info);
  void Pause(const Napi::CallbackInfo& info);
  void Resume(const Napi::CallbackInfo& info);

  // bus-send.cc
  Napi::Value CallMethod(const Napi::CallbackInfo& info);
  void Send(const Napi::CallbackInfo& info);
  void Emit(const Napi::CallbackInfo& info);
  Napi::Value Reply(const Napi::CallbackInfo& info);
  Napi::Value Fail(const Napi::CallbackInfo& info);
  BusMessage Compose(const Napi::Value& value, bool signal);
  int Submit(sd_bus_message* message, Call* call);
  void Post(BusMessage message);
  Napi::Value Answer(Napi::Env env, uint64_t serial, sd_bus_message* message);
  void Reject(Call* call, const Napi::Error& error);

  // bus-receive.cc
  void Serve(const Napi::CallbackInfo& info);
  void OnSignal(const Napi::CallbackInfo& info);
  /** What sd-bus calls; `Receive` is one of the three below. They return 1: done with, or 0: it may be
   * somebody else's. */
  template <typename Receiver, int (Bus::*Receive)(sd_bus_message*, Receiver*)>
  static int Enters(sd_bus_message* message, void* receiver, sd_bus_error* error);
  static int OnReply(sd_bus_message* message, void* call, sd_bus_error* error);
  int ReceiveReply(sd_bus_message* message, Call* call);
  int ReceiveCall(sd_bus_message* message, Served* served);
  int ReceiveSignal(sd_bus_message* message, Match* match);
  int Deliver(sd_bus_message* message, const Served& served, size_t index);
  int Refuse(sd_bus_message* message, const Failure& why);

  State state_ = State::kClosed;
  std::unique_ptr<sd_bus, decltype(&sd_bus_close_unref)> bus_{nullptr, sd_bus_close_unref};
  std::list<Call> calls_;
  std::deque<Waiting> waiting_;
  std::list<Served> served_;
  std::list<Match> matches_;
  /** Calls of the peer that want an answer. */
  std::map<uint64_t, BusMessage> asked_;
  uint64_t last_serial_ = 0;
  Napi::FunctionReference on_closed_;
  bool broken_ = false;  // the peer sent what is no D-Bus
  bool more_ = false;
  bool paused_ = false;
  bool busy_ = false;
  bool javascript_ = true;
};

void InitBus(Napi::Env env, Napi::Object exports);
