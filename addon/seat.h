#pragma once

#include <napi.h>

#include <map>
#include <memory>

#include "handle.h"

extern "C" {  // the header is for C alone
#include <libseat.h>
}

/** A seat of seatd, logind or libseat's own: NativeSeat. */
class Seat final : public Handle<Seat> {
 public:
  static constexpr Kind kKind = Kind::kSeat;
  static constexpr const char* kName = "NativeSeat";
  static void Init(Napi::Env env);
  static Napi::Value Open(const Napi::CallbackInfo& info);

  using Handle::Handle;
  ~Seat() override { CloseQuietly(); }
  void Close();

 private:
  using Library = std::unique_ptr<libseat, decltype(&libseat_close_seat)>;

  void Start();
  Napi::Value OpenDevice(const Napi::CallbackInfo& info);
  void CloseDevice(const Napi::CallbackInfo& info);
  Napi::Value Disable(const Napi::CallbackInfo& info);
  Napi::Value SwitchTo(const Napi::CallbackInfo& info);

  [[nodiscard]] libseat* Require() const;
  void Dispatch();
  void Tell(bool active);

  Library library_{nullptr, libseat_close_seat};
  Napi::FunctionReference on_active_;
  Napi::FunctionReference on_lost_;
  /** libseat's number of each device, by its file descriptor. */
  std::map<int, int> devices_;
  bool busy_ = false;
};

void InitSeat(Napi::Env env, Napi::Object exports);
