#include "bus.h"

#include <poll.h>

#include <cerrno>
#include <utility>

#include "arguments.h"

namespace {

/** Most messages taken in one turn of the loop, however fast a peer sends. */
constexpr int kMessagesPerTurn = 32;

/** Microtasks run when it ends, as behind every callback from the event loop. */
class Turn {
 public:
  explicit Turn(Napi::Env env) : context_(env, "kms-switcher"), scope_(env, context_) {}

 private:
  Napi::AsyncContext context_;
  Napi::CallbackScope scope_;
};

}  // namespace

void Bus::Init(Napi::Env env) {
  Define(env, {InstanceMethod("call", &Bus::CallMethod), InstanceMethod("send", &Bus::Send),
               InstanceMethod("emit", &Bus::Emit), InstanceMethod("serve", &Bus::Serve),
               InstanceMethod("reply", &Bus::Reply), InstanceMethod("fail", &Bus::Fail),
               InstanceMethod("onSignal", &Bus::OnSignal), InstanceMethod("onClosed", &Bus::OnClosed),
               InstanceMethod("pause", &Bus::Pause), InstanceMethod("resume", &Bus::Resume),
               InstanceAccessor<&Bus::Name>("name", napi_enumerable)});
}

bool Bus::IsConnected() const { return state_ == State::kOpen && sd_bus_is_open(bus_.get()) > 0; }

uint64_t Bus::Queued() const {
  uint64_t count = 0;
  sd_bus_get_n_queued_write(bus_.get(), &count);
  return count;
}

void Bus::Wake(int status) {
  busy_ = true;
  const int error = Process();
  busy_ = false;
  if (state_ != State::kOpen) {
    Release();  // closed in a callback
  } else if (error != 0 || status < 0) {
    Lose(error != 0 ? error : -status);
  } else {
    FlushWaiting();
    Update();
  }
}

/** Reads and dispatches what is there; 0, or the errno of a lost connection. */
int Bus::Process() {
  more_ = false;
  for (int count = 0; state_ == State::kOpen && !paused_; count++) {
    if (!IsConnected()) return ECONNRESET;
    more_ = count == kMessagesPerTurn;
    if (more_) break;
    const int status = sd_bus_process(bus_.get(), nullptr);
    if (status == -EBADMSG || broken_) return EPROTO;  // which JavaScript has a name for
    if (status < 0) return -status;
    // sd-bus's own answers came on top of ours, and nobody reads them.
    if (Queued() >= 2 * kMaxQueued) return ENOBUFS;
    if (status == 0) break;
  }
  return 0;
}

void Bus::Update() {
  if (state_ != State::kOpen) return;
  if (paused_) {
    Watch(0);
    return;
  }
  const int wanted = sd_bus_get_events(bus_.get());
  uint64_t timeout = UINT64_MAX;
  // What has been read, and the end of a connection, are no events of the socket: being writable brings us
  // back.
  const bool at_once =
      more_ || !IsConnected() || (sd_bus_get_timeout(bus_.get(), &timeout) > 0 && timeout == 0);
  const bool reading = wanted > 0 && (wanted & POLLIN) != 0;
  const bool writing = at_once || (wanted > 0 && (wanted & POLLOUT) != 0);
  Watch((reading ? UV_READABLE : 0) | (writing ? UV_WRITABLE : 0));
}

void Bus::FlushWaiting() {
  while (!waiting_.empty() && IsConnected() && sd_bus_is_ready(bus_.get()) > 0) {
    const Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    const int status = Submit(next.message.get(), next.call);
    if (status >= 0 || next.call == nullptr) continue;
    const Napi::HandleScope scope(Env());
    const Turn turn(Env());
    Reject(next.call, Failure{-status, "sd_bus_call"}.In(Env()));
  }
}

void Bus::Lose(int error) {
  if (state_ != State::kOpen) return;
  state_ = State::kLost;
  const Napi::HandleScope scope(Env());
  [[maybe_unused]] const Napi::Object keep = Value();
  const Napi::FunctionReference callback = std::exchange(on_closed_, {});
  ClosePoll();
  std::list<Call> calls = std::move(calls_);
  Release();
  {
    const Turn turn(Env());
    calls_.swap(calls);
    RejectCalls({error, "sd_bus_process"});
  }
  if (state_ == State::kLost && !callback.IsEmpty()) Enter(callback, {Napi::Number::New(Env(), error)});
}

void Bus::RejectCalls(const Failure& why) {
  const std::list<Call> calls = std::exchange(calls_, {});
  for (const Call& call : calls) napi_reject_deferred(Env(), call.deferred, why.In(Env()).Value());
}

Bus::~Bus() {
  javascript_ = false;  // a finalizer must not run any
  CloseQuietly();
}

void Bus::Close() {
  ClosePoll();
  on_closed_.Reset();
  state_ = State::kClosed;
  waiting_.clear();
  if (javascript_) RejectCalls({ECANCELED, "sd_bus_call"});
  sd_bus_close(bus_.get());  // the peer is to see it now
  if (!busy_) Release();     // else sd-bus is below us on the stack, and Wake comes back here
}

void Bus::Release() {
  waiting_.clear();
  calls_.clear();
  served_.clear();
  matches_.clear();
  asked_.clear();
  bus_.reset();
}

void Bus::Require() const {
  if (state_ == State::kClosed) ThrowClosed("sd_bus");
  if (state_ == State::kLost) throw Failure{ENOTCONN, "sd_bus"}.In(Env());
}

Napi::Value Bus::Name(const Napi::CallbackInfo& info) {
  const char* name = "";
  // Asked before it is ready, sd-bus would wait until it is.
  if (IsConnected() && sd_bus_is_ready(bus_.get()) > 0) sd_bus_get_unique_name(bus_.get(), &name);
  return Napi::String::New(info.Env(), name);
}

void Bus::OnClosed(const Napi::CallbackInfo& info) {
  if (state_ == State::kClosed) ThrowClosed("sd_bus");
  on_closed_ = Napi::Persistent(Function(info[0], "callback"));
}

void Bus::Pause(const Napi::CallbackInfo& /*info*/) {
  Require();
  paused_ = true;
  Update();
}

void Bus::Resume(const Napi::CallbackInfo& /*info*/) {
  Require();
  paused_ = false;
  Update();
}

void InitBus(Napi::Env env, Napi::Object exports) {
  Bus::Init(env);
  exports.Set("openBus", Napi::Function::New(env, Bus::Open, "openBus"));
}
