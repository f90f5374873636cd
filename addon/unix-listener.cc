#include "unix-listener.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "arguments.h"
#include "unix-socket.h"

Napi::Value Listener::Listen(const Napi::CallbackInfo& info) {
  const std::string path = String(info[0], "path");
  const auto mode = static_cast<mode_t>(Integer(info[1], "mode", 0, 07777));
  const Napi::Function on_connection = Function(info[2], "onConnection");
  Listener* listener = New(info.Env());
  try {
    listener->Bind(path, mode);
    listener->on_connection_ = Napi::Persistent(on_connection);
    listener->OpenPoll(listener->fd_.Get(), [listener](int, int) { listener->Accept(); });
    listener->Watch(UV_READABLE);
  } catch (const Napi::Error&) {
    listener->Close();
    throw;
  }
  return listener->Value();
}

void Listener::Bind(const std::string& path, mode_t mode) {
  const sockaddr_un address = UnixAddress(Env(), path, "bind");
  fd_ = UnixStream(Env());
  if (bind(fd_.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    throw Failure{errno, "bind", {}, path}.In(Env());
  }
  path_ = path;
  if (lstat(path.c_str(), &identity_) != 0) throw Failure{errno, "lstat", {}, path}.In(Env());
  // Nobody can connect before listen(), and unlike umask this touches no other thread's files.
  if (chmod(path.c_str(), mode) != 0) throw Failure{errno, "chmod", {}, path}.In(Env());
  if (listen(fd_.Get(), SOMAXCONN) != 0) throw Failure{errno, "listen", {}, path}.In(Env());
  spare_ = Fd(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

void Listener::Close() {
  ClosePoll();
  on_connection_.Reset();
  if (!fd_) return;
  fd_ = Fd();
  spare_ = Fd();
  struct stat now {};
  const bool ours = !path_.empty() && lstat(path_.c_str(), &now) == 0 && now.st_dev == identity_.st_dev &&
                    now.st_ino == identity_.st_ino;
  if (ours) unlink(path_.c_str());
}

void Listener::Accept() {
  Fd connection(accept4(fd_.Get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (connection) {
    Enter(on_connection_, {Socket::Make(Env(), std::move(connection))});
  } else if (errno == EMFILE || errno == ENFILE) {
    // Out of descriptors: hang up on the client with the spare one, or the poll would spin on it.
    spare_ = Fd();
    connection = Fd(accept4(fd_.Get(), nullptr, nullptr, SOCK_CLOEXEC));
    connection = Fd();
    spare_ = Fd(open("/dev/null", O_RDONLY | O_CLOEXEC));
  }
}

void InitUnixListener(Napi::Env env, Napi::Object exports) {
  Listener::Define(env, {});
  exports.Set("listen", Napi::Function::New(env, Listener::Listen, "listen"));
}
