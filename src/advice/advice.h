// Which limit would have held, and which request fits: numbers, and what they rest on.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "advice/observed.h"

namespace memspike::advice {

inline constexpr unsigned kMarginPercent = 10;

// The limit that would have held a share of the spikes.
struct Bound {
  unsigned percent = 0;
  std::uint64_t height_bytes = 0;  // that share went no higher; a floor of it where at_least
  std::uint64_t limit_bytes = 0;   // kMarginPercent more, rounded up
  bool at_least = false;           // spikes that were cut off hide the true height
};

// One point of the curve.
struct Candidate {
  std::uint64_t limit_bytes = 0;
  std::uint64_t held = 0;
  std::uint64_t unknown = 0;  // cut off below this limit: held or not, nobody knows
};

struct Advice {
  std::uint64_t spikes = 0;
  std::uint64_t cut_off = 0;      // of them
  std::array<Bound, 3> bounds{};  // all, 99 %, 95 %
  // How high the highest that was cut off may have gone, where its slope tells more than its height.
  std::optional<std::uint64_t> extrapolated_bytes;
  std::vector<Candidate> curve;                // by limit
  std::optional<std::uint64_t> request_bytes;  // the level it lives at, rounded up

  const Bound& all() const { return bounds.front(); }
  bool knows_no_height() const { return cut_off == spikes; }
};

// Nothing without a spike. `typical_bytes`: the level it lives at. `limit_bytes`: the current limit,
// which has a place on the curve.
std::optional<Advice> advise(const Observed& observed, std::optional<std::uint64_t> typical_bytes,
                             std::optional<std::uint64_t> limit_bytes);

// Up to a step of at most 1/32 of the value, or of 1 MiB: always whole Mi.
std::uint64_t rounded_up(std::uint64_t bytes);

}  // namespace memspike::advice
