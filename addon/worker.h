#pragma once

#include <napi.h>

#include <memory>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "error.h"

/**
 * Runs `work` on a worker thread, then resolves the promise with what `finish` makes of its result on the
 * event loop. A Failure thrown by `work` rejects it. Both own what they use; both are destroyed on the event
 * loop.
 */
template <typename Work, typename Finish>
Napi::Promise RunOnWorker(Napi::Env env, Work work, Finish finish) {
  using Result = std::invoke_result_t<Work>;
  struct Job {
    Work work;
    Finish finish;
    napi_deferred deferred = nullptr;
    napi_async_work handle = nullptr;
    std::optional<Result> result{};
    std::optional<Failure> failure{};

    void Execute() {
      try {
        result.emplace(work());
      } catch (Failure& thrown) {
        failure = std::move(thrown);
      } catch (const std::bad_alloc&) {
        failure = Failure{ENOMEM, "malloc"};
      }
    }

    void Settle(Napi::Env settling) {
      try {
        if (failure) throw failure->In(settling);
        napi_resolve_deferred(settling, deferred, finish(settling, std::move(*result)));
      } catch (const Napi::Error& error) {
        napi_reject_deferred(settling, deferred, error.Value());
      }
    }
  };

  auto job = std::make_unique<Job>(Job{std::move(work), std::move(finish)});
  napi_value promise = nullptr;
  napi_create_promise(env, &job->deferred, &promise);
  napi_create_async_work(
      env, nullptr, Napi::String::New(env, "kms-switcher"),
      [](napi_env, void* data) { static_cast<Job*>(data)->Execute(); },
      [](napi_env completing, napi_status status, void* data) {
        const std::unique_ptr<Job> done(static_cast<Job*>(data));
        const Napi::HandleScope scope(completing);
        if (status != napi_cancelled) done->Settle(completing);
        napi_delete_async_work(completing, done->handle);
      },
      job.get(), &job->handle);
  if (napi_queue_async_work(env, job->handle) != napi_ok) throw Napi::Error::New(env);
  static_cast<void>(job.release());  // the completion owns it now
  return {env, promise};
}

/** For work without a result. */
template <typename Work>
Napi::Promise RunOnWorker(Napi::Env env, Work work) {
  return RunOnWorker(
      env,
      [work = std::move(work)]() mutable {
        work();
        return std::monostate();
      },
      [](Napi::Env finishing, std::monostate) { return finishing.Undefined(); });
}
