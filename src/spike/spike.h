// A spike, and the point of a timeline it is found on. Plain values.
#pragma once

#include <cstdint>
#include <limits>

namespace memspike::spike {

// No ancestor has a limit: nothing bounds the usage.
inline constexpr std::uint64_t kNoHeadroom = std::numeric_limits<std::uint64_t>::max();

// One row of a memcg's timeline. Rows arrive in order of time; equal times are allowed.
struct Point {
  std::uint64_t time_ns = 0;  // CLOCK_MONOTONIC
  std::uint64_t usage_bytes = 0;
  std::uint64_t headroom_bytes = kNoHeadroom;  // smallest max - usage on the chain of ancestors
};

// How a spike ended.
enum class Outcome {
  fell,      // usage came down again
  oom_kill,  // the OOM killer killed a process of the memcg while usage was above half height
  ongoing,   // still open when the recording ended: not (yet) a peak to find_peaks
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
};

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

}  // namespace memspike::spike
