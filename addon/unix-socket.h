#pragma once

#include <napi.h>
#include <sys/un.h>

#include <string>

#include "exchange.h"
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
  void Limit(const Napi::CallbackInfo& info);
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
  size_t limit_ = Exchange::kBytes;
  bool paused_ = false;
  bool ended_ = false;
};

/** Throws ENOENT or ENAMETOOLONG, of `syscall`, for a path that no socket can have. */
sockaddr_un UnixAddress(Napi::Env env, const std::string& path, const char* syscall);
Fd UnixStream(Napi::Env env);

void InitUnixSocket(Napi::Env env, Napi::Object exports);
