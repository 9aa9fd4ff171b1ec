// What nearly was a kill: charges that a limit held up, and direct reclaims that tasks had to wait for.
#pragma once

#include <cstdint>

#include "near_miss/time_log.h"

namespace memspike::near_miss {

// Direct reclaims, some of them together.
struct Stalls {
  std::uint64_t count = 0;
  std::uint64_t total_ns = 0;
  std::uint64_t longest_ns = 0;

  void add(const Stalls& other);
  friend bool operator==(const Stalls&, const Stalls&) = default;
};

// Charges that a memcg's own limits held up.
struct LimitHits {
  std::uint64_t refused_charges = 0;    // by max, and rescued by reclaim or answered by a kill
  std::uint64_t throttled_charges = 0;  // by memory.high

  void add(const LimitHits& other);
  bool any() const { return refused_charges != 0 || throttled_charges != 0; }
  friend bool operator==(const LimitHits&, const LimitHits&) = default;
};

// Stalls by their end, hits by when they were told of.
using StallLog = TimeLog<Stalls>;
using LimitHitLog = TimeLog<LimitHits>;

}  // namespace memspike::near_miss
