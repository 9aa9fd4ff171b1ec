#include "composition/unreclaimable.h"

#include <algorithm>

namespace memspike::composition {

void Unreclaimable::row(std::uint64_t time_ns, std::uint64_t usage_bytes, OptionalBytes headroom_bytes) {
  while (!waiting_.empty() && waiting_.front().time_ns < time_ns) take_first();
  const Row row{time_ns, usage_bytes, headroom_bytes};
  if (!highest_ || usage_bytes > highest_->usage_bytes) highest_ = row;
  if (!headroom_bytes) return;
  if (!nearest_ || *headroom_bytes < *nearest_->headroom_bytes) nearest_ = row;
}

void Unreclaimable::judge(const Reading& before, const Reading& after) {
  const std::uint64_t seen_bytes = std::max(before.usage_bytes, after.usage_bytes);
  const std::uint64_t held_bytes = std::max(before.held_bytes(), after.held_bytes());
  const auto held_in = [&](const Row& row) {
    const std::uint64_t unseen_bytes = row.usage_bytes - std::min(row.usage_bytes, seen_bytes);
    return std::min(row.usage_bytes, held_bytes + unseen_bytes);
  };
  if (highest_) peak_bytes_ = std::max(peak_bytes_.value_or(0), held_in(*highest_));
  if (nearest_) {
    const std::uint64_t cache_bytes = nearest_->usage_bytes - held_in(*nearest_);
    const Closest closest{nearest_->time_ns, nearest_->usage_bytes, cache_bytes,
                          *nearest_->headroom_bytes + cache_bytes};
    if (!closest_ || closest.is_closer_than(*closest_)) closest_ = closest;
  }
  highest_.reset();
  nearest_.reset();
}

void Unreclaimable::take_first() {
  judge(last_.value_or(waiting_.front()), waiting_.front());
  last_ = waiting_.front();
  waiting_.pop_front();
}

void Unreclaimable::reading(std::uint64_t time_ns, std::uint64_t usage_bytes, std::uint64_t cache_bytes) {
  const std::uint64_t latest_ns = !waiting_.empty() ? waiting_.back().time_ns : last_ ? last_->time_ns : 0;
  if (time_ns < latest_ns) return;
  waiting_.push_back({time_ns, usage_bytes, std::min(usage_bytes, cache_bytes)});
  if (waiting_.size() > kMaxWaiting) take_first();
}

void Unreclaimable::finish() {
  while (!waiting_.empty()) take_first();
  if (last_) judge(*last_, *last_);
}

}  // namespace memspike::composition
