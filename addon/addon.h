#pragma once

#include <napi.h>

#include <array>

#include "exchange.h"

/** The classes of handles; see Handle. */
enum class Kind : uint8_t {
  kCard,
  kDumb,
  kMapping,
  kSocket,
  kListener,
  kUevents,
  kInput,
  kUinput,
  kMemfd,
  kFenceWait,
  kSeat,
  kCount
};

/** What belongs to one environment: Node makes one per thread, Jest initialises the module once per test
 * file. */
struct Addon {
  std::array<Napi::FunctionReference, static_cast<size_t>(Kind::kCount)> classes{};
  Exchange exchange{};
};
