#pragma once

#include <libinput.h>
#include <napi.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "handle.h"
#include "uevent.h"

/** libinput on a udev seat: NativeInput. */
class Input final : public Handle<Input> {
 public:
  static constexpr Kind kKind = Kind::kInput;
  static constexpr const char* kName = "NativeInput";
  static void Init(Napi::Env env);
  static Napi::Value Open(const Napi::CallbackInfo& info);

  using Handle::Handle;
  ~Input() override;
  void Close();

 private:
  struct Record;
  using Library = std::unique_ptr<libinput, decltype(&libinput_unref)>;
  using Device = std::unique_ptr<libinput_device, decltype(&libinput_device_unref)>;

  void Start(const std::string& seat);
  Napi::Value DeviceInfo(const Napi::CallbackInfo& info);

  int OpenRestricted(const char* path, int flags);
  void CloseRestricted(int fd);
  Napi::Value Call(const Napi::FunctionReference& function, std::initializer_list<napi_value> arguments);

  void Dispatch();
  bool ReadRecord(libinput_event* event, Record* record);
  uint32_t Added(libinput_device* device);

  Library library_{nullptr, libinput_unref};
  Napi::FunctionReference open_;
  Napi::FunctionReference close_;
  Napi::FunctionReference on_events_;
  std::map<uint32_t, Device> devices_;
  std::vector<uint32_t> removed_;
  uint32_t last_id_ = 0;
  bool busy_ = false;
  bool javascript_ = true;
};

void InitInput(Napi::Env env, Napi::Object exports);
