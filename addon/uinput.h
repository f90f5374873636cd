#pragma once

#include <napi.h>

#include <cstdint>

#include "fd.h"
#include "handle.h"

/** NativeUinput. */
class Uinput final : public Handle<Uinput> {
 public:
  static constexpr Kind kKind = Kind::kUinput;
  static constexpr const char* kName = "NativeUinput";
  static void Init(Napi::Env env);
  static Napi::Value Create(const Napi::CallbackInfo& info);
  static Napi::Value Open(const Napi::CallbackInfo& info);

  using Handle::Handle;
  ~Uinput() override { CloseQuietly(); }
  void Close();

 private:
  static Napi::Value Make(Napi::Env env, Fd fd);

  Napi::Value Devnode(const Napi::CallbackInfo& info);
  void Emit(const Napi::CallbackInfo& info);
  Napi::Value Write(const Napi::CallbackInfo& info);
  void OnLeds(const Napi::CallbackInfo& info);
  void ReadLeds();

  Fd fd_;  // closing it removes the device
  Napi::FunctionReference on_leds_;
  uint32_t leds_ = 0;
};

void InitUinput(Napi::Env env, Napi::Object exports);
