#include "unix-socket.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include "arguments.h"
#include "exchange.h"
#include "received-fds.h"

namespace {

/** Room for the descriptors of any message: the kernel closes what finds none, and we would wait for that. */
struct ControlBuffer {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * kMaxSentFds)> bytes;
};

/** At most `limit` bytes and the descriptors that came with them; 0 at the end, or -errno. */
ssize_t Receive(int fd, uint8_t* bytes, size_t limit, ReceivedFds* fds) {
  iovec data{bytes, limit};
  ControlBuffer control;
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = CMSG_LEN(sizeof(int) * kMaxSentFds);

  const ssize_t length = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (length < 0) return -errno;
  fds->Take(&message);
  // Cut off where our table of descriptors is full.
  return (message.msg_flags & MSG_CTRUNC) != 0 || !fds->Fit() ? -EMSGSIZE : length;
}

/** The same, into the exchange. */
ssize_t ReceiveInto(Exchange* exchange, int fd, size_t limit) {
  ReceivedFds fds;
  ssize_t length = Receive(fd, exchange->bytes, limit, &fds);
  // The kernel ends a read behind a message with descriptors. What follows it (the update that shows the
  // buffer) is there already as a rule, and read now it saves a turn of the loop.
  if (length > 0 && static_cast<size_t>(length) < limit && fds.Count() > 0) {
    const ssize_t more = Receive(fd, exchange->bytes + length, limit - static_cast<size_t>(length), &fds);
    if (more > 0) length += more;
    if (more == -EMSGSIZE) length = more;
  }
  if (length >= 0) fds.ReleaseInto(exchange);
  return length;
}

/** Reads an array of descriptors into a message. */
void Attach(const Napi::Array& fds, ControlBuffer* control, msghdr* message) {
  const uint32_t count = fds.Length();
  if (count == 0) return;
  if (count > kMaxSentFds) throw Napi::RangeError::New(fds.Env(), "fds must hold at most 253 descriptors");
  if (message->msg_iov->iov_len == 0) throw Napi::RangeError::New(fds.Env(), "fds must go with a byte");

  message->msg_control = control->bytes.data();
  message->msg_controllen = CMSG_SPACE(sizeof(int) * count);
  cmsghdr* header = CMSG_FIRSTHDR(message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int) * count);
  for (uint32_t i = 0; i < count; i++) {
    const int fd = Descriptor(fds.Get(i), "fds");
    std::memcpy(CMSG_DATA(header) + i * sizeof(int), &fd, sizeof(int));
  }
}

Napi::Value Connect(const Napi::CallbackInfo& info) {
  const std::string path = String(info[0], "path");
  const bool abstract = !info[1].IsUndefined() && Boolean(info[1], "abstract");
  sockaddr_un address = UnixAddress(info.Env(), (abstract ? "@" : "") + path, "connect");
  socklen_t size = sizeof(address);
  if (abstract) {
    address.sun_path[0] = '\0';
    size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + path.size());
  }
  Fd fd = UnixStream(info.Env());
  if (connect(fd.Get(), reinterpret_cast<const sockaddr*>(&address), size) != 0) {
    throw Failure{errno, "connect", {}, path}.In(info.Env());
  }
  return Socket::Make(info.Env(), std::move(fd));
}

/** One datagram to a service manager's socket; an address that begins with @ is abstract. */
Napi::Value Notify(const Napi::CallbackInfo& info) {
  const std::string path = String(info[0], "path");
  std::string state = String(info[1], "state");
  sockaddr_un address = UnixAddress(info.Env(), path, "sendmsg");
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const Fd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) throw Failure{errno, "socket"}.In(info.Env());

  iovec data{state.data(), state.size()};
  ControlBuffer control;
  msghdr message{};
  message.msg_name = &address;
  message.msg_namelen = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (!info[2].IsUndefined()) Attach(Array(info[2], "fds"), &control, &message);
  const ssize_t sent = sendmsg(fd.Get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  return Napi::Number::New(info.Env(), sent < 0 ? -errno : 0);
}

Napi::Value Adopt(const Napi::CallbackInfo& info) {
  Fd fd(Descriptor(info[0], "fd"));
  // Reading another kind of file could wait.
  for (const auto& [option, wanted] : {std::pair(SO_DOMAIN, AF_UNIX), std::pair(SO_TYPE, int{SOCK_STREAM})}) {
    int value = 0;
    socklen_t size = sizeof(value);
    const int status = getsockopt(fd.Get(), SOL_SOCKET, option, &value, &size);
    if (status != 0 || value != wanted) {
      throw Failure{status != 0 ? errno : EPROTOTYPE, "getsockopt", {{"fd", fd.Get()}}}.In(info.Env());
    }
  }
  return Socket::Make(info.Env(), std::move(fd));
}

Napi::Value Duplicate(const Napi::CallbackInfo& info) {
  const int fd = Descriptor(info[0], "fd");
  const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (copy < 0) throw Failure{errno, "fcntl(F_DUPFD_CLOEXEC)", {{"fd", fd}}}.In(info.Env());
  return Napi::Number::New(info.Env(), copy);
}

Napi::Value Discard(const Napi::CallbackInfo& info) {
  CloseElsewhere({Descriptor(info[0], "fd")});
  return info.Env().Undefined();
}

std::array<Fd, 2> StreamPair(Napi::Env env) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
    throw Failure{errno, "socketpair"}.In(env);
  }
  return {Fd(ends[0]), Fd(ends[1])};
}

Napi::Value FdPair(const Napi::CallbackInfo& info) {
  Napi::Array pair = Napi::Array::New(info.Env(), 2);
  std::array<Fd, 2> ends = StreamPair(info.Env());
  for (uint32_t i = 0; i < ends.size(); i++) pair.Set(i, ends[i].Get());
  for (Fd& end : ends) static_cast<void>(end.Release());
  return pair;
}

Napi::Value SocketPair(const Napi::CallbackInfo& info) {
  std::array<Fd, 2> ends = StreamPair(info.Env());
  Napi::Array pair = Napi::Array::New(info.Env(), 2);
  pair.Set(0U, Socket::Make(info.Env(), std::move(ends[0])));
  pair.Set(1U, Socket::Make(info.Env(), std::move(ends[1])));
  return pair;
}

}  // namespace

sockaddr_un UnixAddress(Napi::Env env, const std::string& path, const char* syscall) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // To the kernel an empty path means any abstract name.
  if (path.empty()) throw Failure{ENOENT, syscall}.In(env);
  if (path.size() >= sizeof(address.sun_path)) throw Failure{ENAMETOOLONG, syscall, {}, path}.In(env);
  path.copy(address.sun_path, path.size());
  return address;
}

Fd UnixStream(Napi::Env env) {
  Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) throw Failure{errno, "socket"}.In(env);
  return fd;
}

void Socket::Init(Napi::Env env) {
  Define(env, {InstanceMethod("onData", &Socket::OnData), InstanceMethod("pause", &Socket::Pause),
               InstanceMethod("resume", &Socket::Resume), InstanceMethod("limit", &Socket::Limit),
               InstanceMethod("send", &Socket::Send), InstanceMethod("onceWritable", &Socket::OnceWritable),
               InstanceMethod("credentials", &Socket::Credentials)});
}

Napi::Value Socket::Make(Napi::Env env, Fd fd) {
  Socket* socket = New(env);
  socket->fd_ = std::move(fd);
  socket->OpenPoll(socket->fd_.Get(), [socket](int status, int events) { socket->Wake(status, events); });
  return socket->Value();
}

void Socket::Close() {
  ClosePoll();
  on_data_.Reset();
  on_writable_.Reset();
  if (!fd_) return;
  // The peer is to see it now; descriptors that nobody has read are closed with the socket.
  shutdown(fd_.Get(), SHUT_RDWR);
  CloseElsewhere({fd_.Release()});
}

void Socket::Require(const char* syscall) const {
  if (!fd_) ThrowClosed(syscall);
}

void Socket::Update() {
  const bool reading = !on_data_.IsEmpty() && !paused_ && !ended_;
  Watch((reading ? UV_READABLE : 0) | (on_writable_.IsEmpty() ? 0 : UV_WRITABLE));
}

void Socket::Wake(int status, int events) {
  // A broken socket tells through recvmsg and sendmsg what is wrong with it.
  const bool broken = status < 0;
  if ((broken || (events & UV_WRITABLE) != 0) && !on_writable_.IsEmpty()) {
    const Napi::FunctionReference callback = std::exchange(on_writable_, {});
    Enter(callback, {});
  }
  if ((broken || (events & UV_READABLE) != 0) && !on_data_.IsEmpty() && !paused_ && !ended_) Receive();
  Update();
}

void Socket::Receive() {
  const ssize_t length = ReceiveInto(&Exchange::Of(Env()), fd_.Get(), limit_);
  if (length == -EAGAIN || length == -EINTR) return;
  ended_ = length <= 0;
  Enter(on_data_, {Napi::Number::New(Env(), static_cast<double>(length))});
}

void Socket::OnData(const Napi::CallbackInfo& info) {
  Require("recvmsg");
  on_data_ = Napi::Persistent(Function(info[0], "callback"));
  Update();
}

void Socket::Pause(const Napi::CallbackInfo& /*info*/) {
  Require("recvmsg");
  paused_ = true;
  Update();
}

void Socket::Resume(const Napi::CallbackInfo& /*info*/) {
  Require("recvmsg");
  paused_ = false;
  Update();
}

void Socket::Limit(const Napi::CallbackInfo& info) {
  limit_ = static_cast<size_t>(Integer(info[0], "bytes", 1, Exchange::kBytes));
}

Napi::Value Socket::Send(const Napi::CallbackInfo& info) {
  Require("sendmsg");
  Napi::Uint8Array bytes = Bytes(info[0], "bytes");
  iovec data{bytes.Data(), bytes.ByteLength()};
  ControlBuffer control;
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (!info[1].IsUndefined()) Attach(Array(info[1], "fds"), &control, &message);

  ssize_t sent = 0;
  do {
    sent = sendmsg(fd_.Get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return Napi::Number::New(info.Env(), static_cast<double>(sent < 0 ? -errno : sent));
}

void Socket::OnceWritable(const Napi::CallbackInfo& info) {
  Require("sendmsg");
  on_writable_ = Napi::Persistent(Function(info[0], "callback"));
  Update();
}

Napi::Value Socket::Credentials(const Napi::CallbackInfo& info) {
  Require("getsockopt");
  ucred peer{};
  socklen_t length = sizeof(peer);
  if (getsockopt(fd_.Get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) {
    throw Failure{errno, "getsockopt"}.In(info.Env());
  }
  Napi::Object result = Napi::Object::New(info.Env());
  result.Set("pid", peer.pid);
  result.Set("uid", peer.uid);
  result.Set("gid", peer.gid);
  return result;
}

void InitUnixSocket(Napi::Env env, Napi::Object exports) {
  Socket::Init(env);
  exports.Set("adopt", Napi::Function::New(env, Adopt, "adopt"));
  exports.Set("connect", Napi::Function::New(env, Connect, "connect"));
  exports.Set("duplicate", Napi::Function::New(env, Duplicate, "duplicate"));
  exports.Set("fdPair", Napi::Function::New(env, FdPair, "fdPair"));
  exports.Set("notify", Napi::Function::New(env, Notify, "notify"));
  exports.Set("discard", Napi::Function::New(env, Discard, "discard"));
  exports.Set("socketPair", Napi::Function::New(env, SocketPair, "socketPair"));
}
