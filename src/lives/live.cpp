// What a display of the present shows.
#include <algorithm>

#include "lives/life_table.h"

namespace memspike::lives {

void LifeTable::find_tightest(Live& live) const {
  std::size_t containers = 0;
  std::uint64_t least_bytes = decode::kNoHeadroom;
  for (const auto& [index, memcg] : living_) {
    const bool is_told = memcg->wanted && memcg->last_row();
    if (!is_told || memcg->told().role != facts::Role::container || !memcg->told().container) continue;
    ++containers;
    if (memcg->headroom_bytes() >= least_bytes) continue;
    least_bytes = memcg->headroom_bytes();
    live.tightest = memcg->told().container->name.value_or(memcg->told().container->id.substr(0, 12));
    live.tightest_headroom_bytes = least_bytes;
  }
  if (containers < 2) live.tightest.reset();
}

// The first one that lives; of those that are gone, the first.
const Life* LifeTable::shown_live() const {
  for (const auto& [index, memcg] : living_) {
    if (memcg->wanted) return memcg;
  }
  for (const auto& [index, memcg] : lives_) {
    if (memcg->wanted) return memcg.get();
  }
  return nullptr;
}

// As often as anybody likes: it does not ask those that are gone.
LifeTable::Live LifeTable::live(std::uint64_t now_ns) const {
  Live live;
  live.restarts = restarts_;
  live.kills = kills_ - std::min(kills_, entries_beside_);
  find_tightest(live);
  // A container's burst is its pod's too: count the level where most are seen.
  live.bursts = most_bursts_of_dead_;
  for (const auto& [index, memcg] : living_) {
    if (memcg->wanted) live.bursts = std::max(live.bursts, memcg->bursts(now_ns));
  }
  if (const Life* shown = shown_live()) {
    live.usage_bytes = shown->told().gone ? 0 : shown->usage().last_bytes;
    live.peak_bytes = shown->usage().peak_bytes;
    if (shown->last_row()) live.limit_bytes = shown->last_row()->limit_bytes;
  }
  return live;
}

}  // namespace memspike::lives
