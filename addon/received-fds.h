#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>

#include "exchange.h"

/** Descriptors that a stranger sent, closed unless they are released. */
class ReceivedFds {
 public:
  ReceivedFds() = default;
  ReceivedFds(const ReceivedFds&) = delete;
  ReceivedFds& operator=(const ReceivedFds&) = delete;
  ~ReceivedFds();

  [[nodiscard]] size_t Count() const { return count_; }
  [[nodiscard]] size_t Room() const { return fds_.size() - count_; }

  /** Takes what a message carries; its control buffer has room for no more than Room(). */
  void Take(msghdr* message);
  /** Takes a duplicate of a descriptor and returns it, or -errno: EMFILE without Room(). */
  int Duplicate(int fd);

  /** Tells the exchange's table of them: they are the callback's then. */
  void ReleaseInto(Exchange* exchange);

 private:
  std::array<int, Exchange::kMaxFds> fds_{};
  size_t count_ = 0;
};
