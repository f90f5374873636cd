#pragma once

#include <napi.h>
#include <sys/stat.h>

#include <string>

#include "fd.h"
#include "handle.h"

/** A connected stream socket that carries file descriptors: NativeSocket. */
class Socket final : public Handle<Socket> {
 public:
  static constexpr Kind kKind = Kind::kSocket;
  static constexpr const char* kName = "NativeSocket";
  static void Init(Napi::Env env);
  static Napi::Value Make(Napi::Env env, Fd fd);

  using Handle::Handle;
  ~Socket() override { CloseQuietly(); }
  void Close();

 private:
  void OnData(const Napi::CallbackInfo& info);
  void Pause(const Napi::CallbackInfo& info);
  void Resume(const Napi::CallbackInfo& info);
  Napi::Value Send(const Napi::CallbackInfo& info);
  void OnceWritable(const Napi::CallbackInfo& info);
  Napi::Value Credentials(const Napi::CallbackInfo& info);

  void Require(const char* syscall) const;
  void Update();
  void Wake(int status, int events);
  void Receive();

  Fd fd_;
  Napi::FunctionReference on_data_;
  Napi::FunctionReference on_writable_;
  bool paused_ = false;
  bool ended_ = false;
};

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

void InitUnixSocket(Napi::Env env, Napi::Object exports);
