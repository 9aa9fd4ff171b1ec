// Which of a recording's tracks is which: each memcg has a block of them.
#pragma once

#include <cstdint>

#include "facts/fact.h"

namespace memspike::recording {

// Within a memcg's block.
enum Track : std::uint64_t {
  kLifeTrack = 0,  // its events, and its lifetime as a slice
  kUsageTrack = 1,
  kWatermarkTrack = 2,
  kLimitTrack = 3,
  kHeadroomTrack = 4,
  kTracksOfOne = 16,
};

// uuids wrap around: a recording's base is any 64-bit number.
inline std::uint64_t track_uuid(std::uint64_t base, facts::MemcgIndex memcg, Track track) {
  return base + memcg * kTracksOfOne + track;
}

inline std::uint64_t session_uuid(std::uint64_t base) { return base - kTracksOfOne; }

// Slices that may overlap: numbered over the whole recording, and below everything else.
inline std::uint64_t lane_uuid(std::uint64_t base, std::uint64_t lane) {
  return base - std::uint64_t{2} * kTracksOfOne - lane;
}

// Interned categories that mark a counter's value.
inline constexpr std::uint64_t kHeldIid = 1;       // timeline::Mark::held
inline constexpr std::uint64_t kWatermarkIid = 2;  // timeline::Mark::watermark
inline constexpr std::uint64_t kRefusedIid = 3;    // timeline::Mark::refused

// A counter has no "none": no limit, and nothing that bounds the usage.
inline constexpr std::int64_t kNone = -1;

}  // namespace memspike::recording
