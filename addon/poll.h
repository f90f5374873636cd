#pragma once

#include <napi.h>
#include <uv.h>

#include <functional>
#include <initializer_list>
#include <memory>

/** Calls JavaScript from the event loop; what it throws becomes an uncaughtException. */
void Enter(const Napi::FunctionReference& function, std::initializer_list<napi_value> arguments);

/** Waits for a file descriptor on the environment's event loop. The descriptor may be closed right after
 * Close. */
class Poll {
 public:
  /** `status` is negative when the descriptor is broken; polling has then stopped, as after Watch(0). */
  using Callback = std::function<void(int status, int events)>;

  Poll() = default;
  Poll(const Poll&) = delete;
  Poll& operator=(const Poll&) = delete;
  ~Poll() { Close(); }

  void Open(Napi::Env env, int fd, Callback callback);
  /** UV_READABLE, UV_WRITABLE; 0 stops polling and lets the process end. */
  void Watch(int events);
  void Close();

 private:
  struct Watcher;
  std::shared_ptr<Watcher> watcher_;
};
