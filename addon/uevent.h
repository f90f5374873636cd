#pragma once

#include <libudev.h>
#include <napi.h>

#include <memory>

#include "handle.h"

using Udev = std::unique_ptr<udev, decltype(&udev_unref)>;
using UdevMonitor = std::unique_ptr<udev_monitor, decltype(&udev_monitor_unref)>;

/** What watchUevents returns. */
class Uevents final : public Handle<Uevents> {
 public:
  static constexpr Kind kKind = Kind::kUevents;
  static constexpr const char* kName = "NativeUevents";
  static Napi::Value Watch(const Napi::CallbackInfo& info);

  using Handle::Handle;
  ~Uevents() override { CloseQuietly(); }
  void Close();

 private:
  void Open(const std::string& subsystem);
  void Receive();

  UdevMonitor monitor_{nullptr, udev_monitor_unref};
  Napi::FunctionReference callback_;
};

void InitUevent(Napi::Env env, Napi::Object exports);
