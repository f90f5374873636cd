#pragma once

#include <unistd.h>

#include <memory>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

/** Owns a file descriptor. */
class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.Release()) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd_ >= 0) close(fd_);
  }

  [[nodiscard]] int Get() const { return fd_; }
  [[nodiscard]] int Release() { return std::exchange(fd_, -1); }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

/**
 * Closes what a stranger sent, on a thread of its own: closing a file may wait for whoever serves it (a FUSE
 * flush, a lingering socket) for as long as they like.
 */
inline void CloseElsewhere(std::vector<int> fds) {
  const auto close_all = [](const std::vector<int>& all) {
    for (const int fd : all) close(fd);
  };
  try {
    std::thread(close_all, fds).detach();
  } catch (const std::system_error&) {
    close_all(fds);  // out of threads: then it has to be here
  }
}

/** Held by a handle and by each of its jobs, so that a job never meets a closed or recycled descriptor. */
using SharedFd = std::shared_ptr<const Fd>;

/** Lets go of a file on a thread of its own: the last to close it may wait for the kernel. */
inline void ReleaseElsewhere(SharedFd file) {
  try {
    std::thread([file = std::move(file)] {}).detach();
  } catch (
      const std::system_error&) {  // NOLINT(bugprone-empty-catch): out of threads: it has been closed here
  }
}
