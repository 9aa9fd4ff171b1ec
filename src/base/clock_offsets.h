// From CLOCK_MONOTONIC to UTC, where somebody may set the clock meanwhile. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace memspike {

// One instant on both clocks, as two readings of the one around one of the other tell.
struct ClockReading {
  std::uint64_t monotonic_ns = 0;
  std::uint64_t realtime_ns = 0;
  std::uint64_t uncertain_ns = 0;  // the two may be this far apart
};

// From this instant on the clocks go on side by side.
struct ClockOffset {
  std::uint64_t monotonic_ns = 0;
  std::uint64_t realtime_ns = 0;

  std::uint64_t to_realtime_ns(std::uint64_t other_monotonic_ns) const {
    return realtime_ns + (other_monotonic_ns - monotonic_ns);  // modulo 2^64: earlier ones, too
  }
  std::uint64_t to_monotonic_ns(std::uint64_t other_realtime_ns) const {
    return monotonic_ns + (other_realtime_ns - realtime_ns);
  }

  friend bool operator==(const ClockOffset&, const ClockOffset&) = default;
};

// Both clocks are steered alike (adjtimex changes the speed of both): apart from steps their distance stays.
class ClockOffsets {
 public:
  static constexpr std::size_t kMaxSteps = 64;

  // Takes a reading, which is later than the one before. Returns by how much UTC was set forward (or back),
  // if that is more than what the two readings leave open. Of more than kMaxSteps the latest counts for all
  // that follow the one before.
  std::optional<std::int64_t> read(const ClockReading& reading);

  // The first one, and one for each step.
  const std::vector<ClockOffset>& all() const { return offsets_; }

 private:
  std::vector<ClockOffset> offsets_;
  std::uint64_t uncertain_ns_ = 0;  // of the last one
};

// By the offset that held at that moment: the last step that begins no later, else the first offset.
std::uint64_t to_realtime_ns(const ClockOffset& first, const std::vector<ClockOffset>& steps,
                             std::uint64_t monotonic_ns);

// The first moment at which UTC was `realtime_ns` or later.
std::uint64_t to_monotonic_ns(const ClockOffset& first, const std::vector<ClockOffset>& steps,
                              std::uint64_t realtime_ns);

}  // namespace memspike
