#pragma once

#include <napi.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

/** A failed system call. Worker threads throw it as it is; on the event loop it becomes a JavaScript error.
 */
struct Failure {
  int error;  // a positive errno
  std::string syscall;
  std::vector<std::pair<const char*, int64_t>> about{};
  std::string path{};

  /** Shaped like Node's own system errors. */
  [[nodiscard]] Napi::Error In(Napi::Env env) const;
};
