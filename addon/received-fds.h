#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>

#include "exchange.h"

/** SCM_MAX_FD: what the kernel lets be sent in one message. */
constexpr size_t kMaxSentFds = 253;

/** Descriptors that a stranger sent, closed unless they are released. */
class ReceivedFds {
 public:
  ReceivedFds() = default;
  ReceivedFds(const ReceivedFds&) = delete;
  ReceivedFds& operator=(const ReceivedFds&) = delete;
  ~ReceivedFds();

  [[nodiscard]] size_t Count() const { return count_; }
  [[nodiscard]] bool Fit() const { return count_ <= Exchange::kMaxFds; }

  /** Takes what a message carries, while those of the messages before Fit(). */
  void Take(msghdr* message);

  /** Tells the exchange's table of them, which they fit: they are the callback's then. */
  void ReleaseInto(Exchange* exchange);

 private:
  std::array<int, Exchange::kMaxFds + kMaxSentFds> fds_{};
  size_t count_ = 0;
};
