#include "poll.h"

#include <utility>

#include "error.h"

void Enter(const Napi::FunctionReference& function, std::initializer_list<napi_value> arguments) {
  // Straight Node-API: a pending exception may be a worker's termination, which no C++ exception can carry.
  napi_env env = function.Env();
  napi_value global = nullptr;
  napi_value result = nullptr;
  napi_value error = nullptr;
  napi_get_global(env, &global);
  napi_status status = napi_make_callback(env, nullptr, global, function.Value(), arguments.size(),
                                          arguments.begin(), &result);
  if (status == napi_pending_exception && napi_get_and_clear_last_exception(env, &error) == napi_ok) {
    napi_fatal_exception(env, error);
  }
}

/** Lives until libuv lets go of its handle, which the environment waits for. */
struct Poll::Watcher {
  napi_env env = nullptr;
  uv_poll_t handle{};
  napi_async_cleanup_hook_handle hook = nullptr;
  Callback callback;
  int events = 0;
  std::shared_ptr<Watcher> self;

  [[nodiscard]] uv_handle_t* Base() { return reinterpret_cast<uv_handle_t*>(&handle); }
  /** The environment may have closed it before its owner does. */
  [[nodiscard]] bool IsClosed() { return uv_is_closing(Base()) != 0; }

  void Close() {
    if (IsClosed()) return;
    uv_close(Base(), [](uv_handle_t* closed) {
      auto watcher = std::move(static_cast<Watcher*>(closed->data)->self);
      napi_remove_async_cleanup_hook(watcher->hook);
    });
  }

  void Wake(int status, int what) {
    const auto keep = self;
    if (status < 0) events = 0;
    Napi::HandleScope scope(env);
    try {
      callback(status, what);
    } catch (const Napi::Error& error) {
      napi_fatal_exception(env, error.Value());
    }
  }
};

void Poll::Open(Napi::Env env, int fd, Callback callback) {
  uv_loop_s* loop = nullptr;
  napi_get_uv_event_loop(env, &loop);
  auto watcher = std::make_shared<Watcher>();
  watcher->env = env;
  watcher->callback = std::move(callback);
  watcher->handle.data = watcher.get();
  const int status = uv_poll_init(loop, &watcher->handle, fd);
  if (status < 0) throw Failure{-status, "epoll_ctl", {{"fd", fd}}}.In(env);
  watcher->self = watcher;
  napi_add_async_cleanup_hook(
      env, [](napi_async_cleanup_hook_handle, void* data) { static_cast<Watcher*>(data)->Close(); },
      watcher.get(), &watcher->hook);
  watcher_ = std::move(watcher);
}

void Poll::Watch(int events) {
  if (!watcher_ || watcher_->IsClosed() || events == watcher_->events) return;
  watcher_->events = events;
  if (events == 0) {
    uv_poll_stop(&watcher_->handle);
    return;
  }
  uv_poll_start(&watcher_->handle, events, [](uv_poll_t* handle, int status, int what) {
    static_cast<Watcher*>(handle->data)->Wake(status, what);
  });
}

void Poll::Close() {
  if (watcher_) watcher_->Close();
  watcher_.reset();
}
