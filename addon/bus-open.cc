#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <utility>

#include "arguments.h"
#include "bus.h"
#include "worker.h"

/** How a bus begins. */

namespace {

/** 0, or why a descriptor is no connected socket as D-Bus wants it: reading another file could wait. */
int CheckSocket(int fd) {
  for (const auto& [option, wanted] : {std::pair(SO_DOMAIN, AF_UNIX), std::pair(SO_TYPE, int{SOCK_STREAM})}) {
    int value = 0;
    socklen_t size = sizeof(value);
    if (getsockopt(fd, SOL_SOCKET, option, &value, &size) != 0) return -errno;
    if (value != wanted) return -EPROTOTYPE;
  }
  return 0;
}

}  // namespace

Napi::Value Bus::Open(const Napi::CallbackInfo& info) {
  const Napi::Object where = Object(info[0], "where");
  Fd fd;
  bool server = false;
  std::string address;
  if (where.Has("address")) {
    address = String(where.Get("address"), "where.address");
  } else {
    fd = Fd(Descriptor(where.Get("fd"), "where.fd"));
    const std::string side = String(where.Get("side"), "where.side");
    server = side == "server";
    if (!server && side != "client") {
      throw Napi::TypeError::New(info.Env(), "where.side must be 'client' or 'server'");
    }
  }
  Bus* bus = New(info.Env());
  bus->state_ = State::kOpen;
  bus->Run(fd ? bus->Start(std::move(fd), server) : bus->Start(address));
  return bus->Value();
}

int Bus::Start(Fd fd, bool server) {
  int status = CheckSocket(fd.Get());
  if (status < 0) return status;
  sd_bus* bus = nullptr;
  if ((status = sd_bus_new(&bus)) < 0) return status;
  bus_.reset(bus);
  if ((status = sd_bus_set_fd(bus, fd.Get(), fd.Get())) < 0) return status;
  static_cast<void>(fd.Release());
  if (server) {
    sd_id128_t id;
    if ((status = sd_id128_randomize(&id)) < 0) return status;
    if ((status = sd_bus_set_server(bus, 1, id)) < 0) return status;
  }
  if ((status = sd_bus_negotiate_fds(bus, 1)) < 0) return status;
  return sd_bus_start(bus);
}

int Bus::Start(const std::string& address) {
  // sd-bus would resolve names and start programs for other kinds of address, and wait for them.
  if (address.rfind("unix:", 0) != 0 || address.find(';') != std::string::npos) return -EPROTONOSUPPORT;
  sd_bus* bus = nullptr;
  int status = sd_bus_new(&bus);
  if (status < 0) return status;
  bus_.reset(bus);
  if ((status = sd_bus_set_address(bus, address.c_str())) < 0) return status;
  if ((status = sd_bus_set_bus_client(bus, 1)) < 0) return status;
  if ((status = sd_bus_negotiate_fds(bus, 1)) < 0) return status;
  return sd_bus_start(bus);
}

void Bus::Run(int status) {
  const int fd = status < 0 ? status : sd_bus_get_fd(bus_.get());
  if (fd >= 0) {
    OpenPoll(fd, [this](int broken, int) { Wake(broken); });
    Update();
    return;
  }
  // Told in a moment: nobody listens yet.
  RunOnWorker(
      Env(), [] { return 0; },
      [this, fd, keep = Napi::Persistent(Value())](Napi::Env env, int) {
        Lose(-fd);
        return env.Undefined();
      });
}
