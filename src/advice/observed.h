// What a recording holds to advise from. Mergeable, bounded.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "advice/heights.h"
#include "base/optional_bytes.h"
#include "histogram/histogram.h"
#include "spike/burst.h"
#include "spike/spike.h"

namespace memspike::advice {

// How long usage stood at or above shares of the limit in force at the time.
struct TimeAbove {
  static constexpr std::array<unsigned, 4> kPercents{50, 80, 90, 95};

  std::uint64_t limited_ns = 0;  // there was a limit at all
  std::array<std::uint64_t, kPercents.size()> above_ns{};

  void hold(std::uint64_t duration_ns, std::uint64_t usage_bytes, OptionalBytes limit_bytes);
  void merge(const TimeAbove& other);

 private:
  // Of the limit that held last: limits hardly ever change.
  std::uint64_t limit_bytes_ = 0;
  std::array<std::uint64_t, kPercents.size()> shares_bytes_{};
};

struct Observed {
  Heights heights;
  histogram::Histogram fallen_rise_ns;            // 10 % to 90 % of the height, of spikes that fell
  histogram::Histogram cut_off_bytes_per_second;  // how fast usage still rose when it was cut off
  TimeAbove time_above;
  std::uint64_t held_down = 0;  // of those cut off: not by a kill, but by a memory.high

  // Spikes in order of peak_ns. Equal tops that people take for one spike count once. One that is
  // still up when the recording ends counts with the height that it has reached.
  void add(const spike::Spike& spike);
  // Bursts and levels, however many equal tops each has.
  void add(const spike::Burst& burst);
  void merge(const Observed& other);

 private:
  std::optional<spike::Spike> last_;
};

}  // namespace memspike::advice
