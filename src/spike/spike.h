// A spike, and the point of a timeline it is found on. Plain values.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

namespace memspike::spike {

// No ancestor has a limit: nothing bounds the usage.
inline constexpr std::uint64_t kNoHeadroom = std::numeric_limits<std::uint64_t>::max();

// One row of a memcg's timeline. Rows arrive in order of time; equal times are allowed.
struct Point {
  std::uint64_t time_ns = 0;  // CLOCK_MONOTONIC
  std::uint64_t usage_bytes = 0;
  // Smallest limit - usage on the chain of ancestors: of max, or of memory.high, which throttles where max
  // kills.
  std::uint64_t headroom_bytes = kNoHeadroom;
  bool is_of_high = false;  // the smallest is that of a memory.high
};

// How a spike ended.
enum class Outcome {
  fell,      // usage came down again
  oom_kill,  // the OOM killer killed a process of the memcg while usage was above half height
  ongoing,   // still up when the recording ended: not (yet) a peak to find_peaks
  removed,   // still up when the memcg was removed: of bursts only
};

// A peak of usage whose prominence reached the threshold, measured as
// scipy.signal.find_peaks and peak_widths (rel_height=0.5 and 0.1) measure it.
struct Spike {
  std::uint64_t peak_ns = 0;  // time of the peak's row (middle row of a flat top)
  std::uint64_t peak_bytes = 0;
  std::uint64_t prominence_bytes = 0;  // peak - max(left base, right base)
  std::uint64_t width_ns = 0;          // at half prominence, interpolated in time
  std::uint64_t rise_ns = 0;           // 10 % to 90 % of the prominence (IEEE Std 181 transition duration)
  std::uint64_t crest_ns = 0;          // above 90 % of the prominence: peak_widths(rel_height=0.1)
  std::uint64_t crest_rise_ns = 0;     // the part of it before peak_ns
  std::uint64_t left_base_ns = 0;
  std::uint64_t right_base_ns = 0;
  std::uint64_t rise_begin_ns = 0;  // where the rise begins: usage leaves a tenth of the prominence
  std::uint64_t half_begin_ns = 0;  // where the width begins: usage rises through half the prominence
  std::uint64_t headroom_bytes = kNoHeadroom;  // at the peak
  Outcome outcome = Outcome::fell;
  // The recording's end found usage up there: prominence is how far it had risen. Since the peak it has come
  // down by up.above_bytes, which is less than half of that: a lower threshold makes it a peak to find_peaks,
  // with that prominence, and not one that is up.
  struct Up {
    std::uint64_t above_bytes = 0;
    std::uint64_t to_bytes = 0;  // it speaks for thresholds up to this one; an equal top before it for more
  };
  std::optional<Up> up;
};

// Whether it counts at a threshold, at least that of the detector: of what is up there is but one.
inline bool reaches(const Spike& spike, std::uint64_t min_prominence_bytes) {
  if (!spike.up) return spike.prominence_bytes >= min_prominence_bytes;
  return spike.up->above_bytes < min_prominence_bytes && min_prominence_bytes <= spike.up->to_bytes;
}

// How far apart equal tops that people take for one spike are at most, where usage falls far between them.
inline constexpr std::uint64_t kSameTopNs = 50'000'000;

// A usage that stands at its limit dips and returns as reclaim and charges alternate: to the signal
// those are as many spikes with equal tops, to who reads it is one. `next` comes after `spike`: soon, or
// usage was in its crest all the time.
inline bool is_same_top(const Spike& spike, const Spike& next) {
  if (spike.peak_bytes != next.peak_bytes || spike.outcome != next.outcome) return false;
  const std::uint64_t apart_ns = next.peak_ns - spike.peak_ns;
  return apart_ns <= kSameTopNs || apart_ns <= next.crest_rise_ns;
}

// As the formats spell it.
constexpr std::string_view to_text(Outcome outcome) {
  switch (outcome) {
    case Outcome::fell:
      return "fell";
    case Outcome::oom_kill:
      return "oom_kill";
    case Outcome::ongoing:
      return "ongoing";
    case Outcome::removed:
      return "removed";
  }
  return "fell";
}

// The headroom at the peak of a spike or a burst; nothing where no ancestor has a limit.
template <class Peak>
std::optional<std::uint64_t> headroom_of(const Peak& peak) {
  if (peak.headroom_bytes == kNoHeadroom) return std::nullopt;
  return peak.headroom_bytes;
}

}  // namespace memspike::spike
