#pragma once

#include <napi.h>
#include <sys/stat.h>

#include <string>

#include "fd.h"
#include "handle.h"

/** NativeListener. */
class Listener final : public Handle<Listener> {
 public:
  static constexpr Kind kKind = Kind::kListener;
  static constexpr const char* kName = "NativeListener";
  static Napi::Value Listen(const Napi::CallbackInfo& info);

  using Handle::Handle;
  ~Listener() override { CloseQuietly(); }
  void Close();

 private:
  void Bind(const std::string& path, mode_t mode);
  void Accept();

  Fd fd_;
  Fd spare_;
  Napi::FunctionReference on_connection_;
  std::string path_;
  struct stat identity_ {};
};

void InitUnixListener(Napi::Env env, Napi::Object exports);
