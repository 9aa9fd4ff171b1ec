#include "process/clock.h"

#include <ctime>
#include <limits>

#include "process/time_namespace.h"

namespace memspike {
namespace {

std::uint64_t clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(now.tv_nsec);
}

// A process stays in the one that it began in, unless it asks for another.
const process::TimeNamespace& time_namespace() {
  static const process::TimeNamespace own = process::own_time_namespace();
  return own;
}

}  // namespace

std::uint64_t monotonic_ns() {
  return clock_ns(CLOCK_MONOTONIC) - static_cast<std::uint64_t>(time_namespace().monotonic_ns);
}

std::uint64_t boottime_ns() {
  return clock_ns(CLOCK_BOOTTIME) - static_cast<std::uint64_t>(time_namespace().boottime_ns);
}

std::uint64_t realtime_ns() { return clock_ns(CLOCK_REALTIME); }

ClockReading read_clocks() {
  constexpr int kAttempts = 5;  // an interrupt or another task may come between the readings
  ClockReading best{0, 0, std::numeric_limits<std::uint64_t>::max()};
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const std::uint64_t before_ns = monotonic_ns();
    const std::uint64_t now_ns = realtime_ns();
    const std::uint64_t half_ns = (monotonic_ns() - before_ns) / 2;
    if (half_ns + 1 < best.uncertain_ns) best = {before_ns + half_ns, now_ns, half_ns + 1};
  }
  return best;
}

}  // namespace memspike
