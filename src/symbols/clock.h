// The clock that budgets of time are kept by. Not the node's: a helper knows nothing of its time namespace.
#pragma once

#include <cstdint>
#include <ctime>

namespace memspike::symbols {

inline std::uint64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

}  // namespace memspike::symbols
