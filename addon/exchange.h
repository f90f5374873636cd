#pragma once

#include <napi.h>

#include <cstddef>
#include <cstdint>

/**
 * The memory that callbacks' data travels through; its layout is the contract in src/native.ts. One per
 * environment, so whoever fills it must be done with it when the callback returns.
 */
struct Exchange {
  static constexpr size_t kBytes = 65536;
  static constexpr size_t kMaxFds = 8;

  struct FileDescriptor {
    double fd, device, inode;
  };

  alignas(double) uint8_t bytes[kBytes];
  double fd_count;
  FileDescriptor fds[kMaxFds];

  template <typename Record>
  [[nodiscard]] Record* Records() {
    return reinterpret_cast<Record*>(bytes);
  }
  template <typename Record>
  static constexpr size_t kCapacity = kBytes / sizeof(Record);

  static Exchange& Of(Napi::Env env);
};

static_assert(offsetof(Exchange, fd_count) == Exchange::kBytes);
static_assert(sizeof(Exchange) == Exchange::kBytes + sizeof(double) * (1 + 3 * Exchange::kMaxFds));

void InitExchange(Napi::Env env, Napi::Object exports);
