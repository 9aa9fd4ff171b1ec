#include "capture/live/census.h"

#include <algorithm>
#include <variant>

namespace memspike::capture {
namespace {

constexpr std::uint64_t kFloorBytes = 1U << 20;
constexpr int kMaxDepth = 32;

}  // namespace

Living* Census::known(facts::MemcgIndex memcg) {
  if (Living* living = nearby_.find(memcg)) return living;
  const auto found = living_.find(memcg);
  if (found == living_.end()) return nullptr;
  nearby_.keep(memcg, found->second);
  return &found->second;
}

std::uint64_t Census::least_rise_bytes() const {
  return std::max<std::uint64_t>(1, asked_rise_bytes_.value_or(kFloorBytes));
}

std::uint64_t Census::rise_of(const Living& living) const {
  if (asked_rise_bytes_) return least_rise_bytes();
  const Living* level = &living;
  for (int depth = 0; level != nullptr && depth < kMaxDepth; ++depth) {
    if (level->last && level->last->limit_bytes) return std::max(kFloorBytes, *level->last->limit_bytes / 20);
    level = level->parent ? find(*level->parent) : nullptr;
  }
  return kFloorBytes;
}

void Census::judge_rises() {
  for (auto& [memcg, living] : living_) living.rise_bytes = rise_of(living);
}

void Census::see(const Reading& reading) {
  Living* living = known(reading.memcg);
  if (living == nullptr) return;
  const bool is_other_limit = !living->last || living->last->limit_bytes != reading.limit_bytes;
  living->last = reading;
  if (is_other_limit) living->rise_bytes = rise_of(*living);
}

// Parents have smaller numbers.
void Census::look_closer_at(const std::vector<facts::MemcgIndex>& roots) {
  for (auto& [memcg, living] : living_) {
    const Living* parent = living.parent ? known(*living.parent) : nullptr;
    living.is_closer = (parent != nullptr && parent->is_closer) ||
                       std::find(roots.begin(), roots.end(), memcg) != roots.end();
  }
}

void Census::take_birth(const facts::MemcgFound& found) {
  Living* parent = found.parent ? known(*found.parent) : nullptr;
  if (parent != nullptr) ++parent->children;
  const bool is_closer = parent != nullptr && parent->is_closer;
  const auto born =
      living_
          .try_emplace(found.memcg,
                       Living{found.path, found.description, found.parent, 0, {}, 0, 0, 0, is_closer})
          .first;
  born->second.rise_bytes = rise_of(born->second);
}

// A memcg that never moved since it was born has no reading after that: its rows tell as much.
void Census::take_row(facts::MemcgIndex memcg, const timeline::Row& row) {
  const Living* living = find(memcg);
  if (living == nullptr || (living->last && living->last->time_ns >= row.time_ns)) return;
  see({memcg, row.time_ns, row.usage_bytes, row.watermark_bytes, row.limit_bytes, true, living->rise_bytes});
}

void Census::apply(const facts::Fact& fact) {
  if (const auto* row = std::get_if<facts::MemcgRow>(&fact)) {
    take_row(row->memcg, row->row);
  } else if (const auto* found = std::get_if<facts::MemcgFound>(&fact)) {
    take_birth(*found);
  } else if (const auto* named = std::get_if<facts::MemcgNamed>(&fact)) {
    if (Living* living = known(named->memcg)) living->description = named->description;
  } else if (const auto* hit = std::get_if<facts::LimitHit>(&fact)) {
    if (Living* living = known(hit->memcg)) living->refused_charges += hit->hits.refused_charges;
  } else if (const auto* stalled = std::get_if<facts::TaskStalled>(&fact)) {
    if (Living* living = known(stalled->memcg)) living->last_stall_ns = stalled->time_ns;
  } else if (const auto* gone = std::get_if<facts::MemcgGone>(&fact)) {
    const Living* living = known(gone->memcg);
    Living* parent = living != nullptr && living->parent ? known(*living->parent) : nullptr;
    if (parent != nullptr && parent->children > 0) --parent->children;
    nearby_.forget(gone->memcg);
    living_.erase(gone->memcg);
  }
}

}  // namespace memspike::capture
