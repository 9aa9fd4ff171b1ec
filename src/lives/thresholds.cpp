// What counts as a spike and as a burst, and what is left below memory.high.
#include <algorithm>

#include "lives/life_table.h"

namespace memspike::lives {
std::uint64_t LifeTable::min_prominence_bytes() const {
  if (options_.min_prominence_bytes) return std::max<std::uint64_t>(1, *options_.min_prominence_bytes);
  if (!smallest_limit_is_known_) {
    smallest_limit_bytes_.reset();
    for (const auto& [index, memcg] : lives_) note_limit(*memcg);
    smallest_limit_is_known_ = true;
  }
  return std::max(kFloorBytes, smallest_limit_bytes_.value_or(0) / 20);
}

void LifeTable::note_limit(const Life& memcg) const {
  const auto& limit_bytes = memcg.smallest_limit_bytes;
  if (!memcg.wanted || !limit_bytes) return;
  smallest_limit_bytes_ = std::min(smallest_limit_bytes_.value_or(*limit_bytes), *limit_bytes);
}

// By its own limit, or by the nearest one above it, as they are now: one small container must not decide what
// counts in all others.
std::uint64_t LifeTable::burst_threshold_bytes(const Life& memcg, const timeline::Row& row) const {
  if (options_.min_prominence_bytes) return std::max<std::uint64_t>(1, *options_.min_prominence_bytes);
  OptionalBytes limit_bytes = row.limit_bytes;
  std::optional<std::uint32_t> parent = memcg.parent;
  for (int depth = 0; !limit_bytes && parent && depth < kMaxLevels; ++depth) {
    const Life* above = at(*parent);
    if (above == nullptr) break;
    if (above->last_row()) limit_bytes = above->last_row()->limit_bytes;
    parent = above->parent;
  }
  return std::max(kFloorBytes, limit_bytes ? *limit_bytes / 20 : 0);
}

// The least that a memory.high leaves, from here to the root: what is above has had its row of this time
// before.
std::uint64_t LifeTable::below_high_bytes(const Life& memcg, const timeline::Row& row) const {
  std::uint64_t least_bytes = spike::kNoHeadroom;
  std::uint64_t usage_bytes = row.usage_bytes;
  const Life* level = has_high_ ? &memcg : nullptr;
  for (int depth = 0; level != nullptr && depth < kMaxLevels; ++depth) {
    const auto& high_bytes = level->at_limit.high_bytes();
    if (level != &memcg && level->last_row())
      usage_bytes = std::max(usage_bytes, level->last_row()->usage_bytes);
    if (high_bytes) least_bytes = std::min(least_bytes, decode::room_below(*high_bytes, usage_bytes));
    level = level->parent ? at(*level->parent) : nullptr;
  }
  return least_bytes;
}

}  // namespace memspike::lives
