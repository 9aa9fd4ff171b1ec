#include "base/clock_offsets.h"

#include <algorithm>

namespace memspike {

std::optional<std::int64_t> ClockOffsets::read(const ClockReading& reading) {
  if (offsets_.empty()) {
    offsets_.push_back({reading.monotonic_ns, reading.realtime_ns});
    uncertain_ns_ = reading.uncertain_ns;
    return std::nullopt;
  }
  const std::uint64_t expected_ns = offsets_.back().to_realtime_ns(reading.monotonic_ns);
  const auto step_ns = static_cast<std::int64_t>(reading.realtime_ns - expected_ns);
  const std::uint64_t size_ns = static_cast<std::uint64_t>(step_ns < 0 ? -step_ns : step_ns);
  // One microsecond: the clocks' own reading and rounding.
  if (size_ns <= uncertain_ns_ + reading.uncertain_ns + 1'000) return std::nullopt;
  if (offsets_.size() > kMaxSteps) offsets_.pop_back();
  offsets_.push_back({reading.monotonic_ns, reading.realtime_ns});
  uncertain_ns_ = reading.uncertain_ns;
  return step_ns;
}

std::uint64_t to_realtime_ns(const ClockOffset& first, const std::vector<ClockOffset>& steps,
                             std::uint64_t monotonic_ns) {
  const auto later =
      std::upper_bound(steps.begin(), steps.end(), monotonic_ns,
                       [](std::uint64_t ns, const ClockOffset& offset) { return ns < offset.monotonic_ns; });
  return (later == steps.begin() ? first : *(later - 1)).to_realtime_ns(monotonic_ns);
}

std::uint64_t to_monotonic_ns(const ClockOffset& first, const std::vector<ClockOffset>& steps,
                              std::uint64_t realtime_ns) {
  ClockOffset held = first;
  for (const ClockOffset& step : steps) {
    const std::uint64_t at_ns = held.to_monotonic_ns(realtime_ns);
    if (at_ns < step.monotonic_ns) return at_ns;
    held = step;
    if (realtime_ns < step.realtime_ns) return step.monotonic_ns;  // stepped over
  }
  return held.to_monotonic_ns(realtime_ns);
}

}  // namespace memspike
