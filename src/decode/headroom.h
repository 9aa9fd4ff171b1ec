// How much a limit leaves.
#pragma once

#include <cstdint>
#include <limits>

namespace memspike::decode {

// There is no limit.
inline constexpr std::uint64_t kNoHeadroom = std::numeric_limits<std::uint64_t>::max();

// Usage may stand above its limit: while a charge is failing, or where the limit was lowered.
constexpr std::uint64_t room_below(std::uint64_t limit_bytes, std::uint64_t usage_bytes) {
  return limit_bytes > usage_bytes ? limit_bytes - usage_bytes : 0;
}

}  // namespace memspike::decode
