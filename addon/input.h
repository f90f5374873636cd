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
  /** One event as the exchange carries it. */
  struct Record {
    enum Kind : uint32_t {
      kKey = 1,
      kDeviceAdded = 2,
      kDeviceRemoved = 3,
      kMotion = 4,
      kAbsolute = 5,
      kButton = 6,
      kWheel = 7,
      kTouchDown = 8,
      kTouchMove = 9,
      kTouchUp = 10,
      kTouchCancel = 11
    };
    /** A wheel may turn both ways, and a pen touches somewhere. */
    static constexpr size_t kMostOfEvent = 2;

    uint32_t kind;
    uint32_t device;
    uint32_t code = 0;
    uint32_t value = 0;
    uint32_t seconds = 0;
    uint32_t microseconds = 0;

    /** Adds what libinput tells in microseconds. */
    [[nodiscard]] Record At(uint64_t time) const {
      return {kind,
              device,
              code,
              value,
              static_cast<uint32_t>(time / 1000000),
              static_cast<uint32_t>(time % 1000000)};
    }
  };
  using Library = std::unique_ptr<libinput, decltype(&libinput_unref)>;
  using Device = std::unique_ptr<libinput_device, decltype(&libinput_device_unref)>;

  void Start(const std::string& seat);
  Napi::Value DeviceInfo(const Napi::CallbackInfo& info);
  void Leds(const Napi::CallbackInfo& info);
  Napi::Value Grab(const Napi::CallbackInfo& info);
  void Suspend(const Napi::CallbackInfo& info);
  void Resume(const Napi::CallbackInfo& info);
  libinput_device* DeviceOf(uint32_t id);
  Napi::Array LinksOf(libinput_device* device);

  int OpenRestricted(const char* path, int flags);
  void CloseRestricted(int fd);
  Napi::Value Call(const Napi::FunctionReference& function, std::initializer_list<napi_value> arguments);

  void Dispatch();
  void Continue(bool more = true);
  void DispatchSoon();
  size_t ReadRecords(libinput_event* event, Record* records);
  static Record ReadPointer(libinput_event_type type, libinput_event_pointer* pointer, uint32_t id);
  static size_t ReadScroll(libinput_event_type type, libinput_event_pointer* pointer, uint32_t id,
                           Record* records);
  static Record ReadTouch(libinput_event_type type, libinput_event_touch* touch, uint32_t id);
  static size_t ReadTool(libinput_event_type type, libinput_event_tablet_tool* tool, uint32_t id,
                         Record* records);
  uint32_t Added(libinput_device* device);

  Library library_{nullptr, libinput_unref};
  Napi::FunctionReference open_;
  Napi::FunctionReference close_;
  Napi::FunctionReference on_events_;
  std::map<uint32_t, Device> devices_;
  /** What libinput has open, by the name of the device node: it does not tell its descriptors. */
  std::map<std::string, int> fds_;
  std::vector<uint32_t> removed_;
  bool busy_ = false;
  bool soon_ = false;
  bool javascript_ = true;
};

void InitInput(Napi::Env env, Napi::Object exports);
