#pragma once

#include <napi.h>

#include <utility>
#include <vector>

#include "addon.h"
#include "error.h"
#include "poll.h"

/**
 * A JavaScript object that holds something of the system's until close(). A class made from it has a `kKind`,
 * a `kName`, an idempotent Close(), which its destructor calls, and is born closed: `new` from JavaScript
 * does no harm.
 */
template <typename T>
class Handle : public Napi::ObjectWrap<T> {
 public:
  explicit Handle(const Napi::CallbackInfo& info) : Napi::ObjectWrap<T>(info) {
    info.This().As<Napi::Object>().TypeTag(&kTag);
  }

  static void Define(Napi::Env env, std::vector<Napi::ClassPropertyDescriptor<T>> members) {
    members.push_back(T::InstanceMethod("close", &Handle::CloseMethod));
    Class(env) = Napi::Persistent(T::DefineClass(env, T::kName, members));
  }

  static T* New(Napi::Env env) { return T::Unwrap(Class(env).New({})); }

  /** The handle behind `value`, or null when it is something else. */
  static T* From(const Napi::Value& value) {
    if (!value.IsObject()) return nullptr;
    auto object = value.As<Napi::Object>();
    return object.CheckTypeTag(&kTag) ? T::Unwrap(object) : nullptr;
  }

 protected:
  /** A read-only property, for what stays the same while the handle is open. */
  void SetConstant(const char* name, Napi::Value value) {
    this->Value().DefineProperty(Napi::PropertyDescriptor::Value(name, value, napi_enumerable));
  }

  /** Wakes `callback` while `fd` has events that Watch asked for. */
  void OpenPoll(int fd, Poll::Callback callback) {
    poll_.Open(this->Env(), fd, [this, callback = std::move(callback)](int status, int events) {
      [[maybe_unused]] const Napi::Object keep = this->Value();
      callback(status, events);
    });
  }

  /** See Poll::Watch. An object that waits for events is not collected. */
  void Watch(int events) {
    poll_.Watch(events);
    const bool watching = events != 0;
    if (watching == watching_) return;
    watching_ = watching;
    if (watching) {
      this->Ref();
    } else {
      this->Unref();
    }
  }

  void ClosePoll() {
    poll_.Close();
    // Without a throw, for destructors: a finalizer may find the reference already weak.
    if (std::exchange(watching_, false)) napi_reference_unref(this->Env(), *this, nullptr);
  }

  /** For destructors, which are a backstop: nobody can be told of an error any more. */
  void CloseQuietly() noexcept {
    try {
      static_cast<T*>(this)->Close();
    } catch (const Napi::Error&) {  // NOLINT(bugprone-empty-catch)
    }
  }

  [[noreturn]] void ThrowClosed(const char* syscall) const { throw Failure{EBADF, syscall}.In(this->Env()); }

 private:
  static constexpr napi_type_tag kTag{0x6b6d732d73776974, static_cast<uint64_t>(T::kKind)};

  static Napi::FunctionReference& Class(Napi::Env env) {
    return env.GetInstanceData<Addon>()->classes[static_cast<size_t>(T::kKind)];
  }

  void CloseMethod(const Napi::CallbackInfo& /*info*/) { static_cast<T*>(this)->Close(); }

  Poll poll_;
  bool watching_ = false;
};
