#pragma once

#include <napi.h>

#include "fd.h"
#include "handle.h"

/** NativeUinput. */
class Uinput final : public Handle<Uinput> {
 public:
  static constexpr Kind kKind = Kind::kUinput;
  static constexpr const char* kName = "NativeUinput";
  static void Init(Napi::Env env);
  static Napi::Value Create(const Napi::CallbackInfo& info);

  using Handle::Handle;
  ~Uinput() override { CloseQuietly(); }
  void Close() { fd_ = Fd(); }

 private:
  Napi::Value Devnode(const Napi::CallbackInfo& info);
  void Emit(const Napi::CallbackInfo& info);

  Fd fd_;  // closing it removes the device
};

void InitUinput(Napi::Env env, Napi::Object exports);
