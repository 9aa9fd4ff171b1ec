#include "timeline/overview.h"

#include <algorithm>

namespace memspike::timeline {

void Overview::reach(std::uint64_t usage_bytes) {
  if (buckets_.empty()) start_ns_ = last_ns_;
  while ((last_ns_ - start_ns_) / width_ns_ >= capacity_) merge_pairs();
  const std::size_t index = (last_ns_ - start_ns_) / width_ns_;
  // The usage of the row before held through all that lies between.
  if (index >= buckets_.size()) {
    const std::uint64_t held_bytes = buckets_.empty() ? usage_bytes : last_bytes_;
    buckets_.resize(index + 1, {held_bytes, held_bytes});
  }
}

void Overview::merge_pairs() {
  const std::size_t merged = (buckets_.size() + 1) / 2;
  for (std::size_t i = 0; i < merged; ++i) {
    const Bucket& first = buckets_[2 * i];
    // The last one of an odd number has no neighbour yet.
    const Bucket& second = buckets_[std::min(2 * i + 1, buckets_.size() - 1)];
    buckets_[i] = {std::min(first.min_bytes, second.min_bytes), std::max(first.max_bytes, second.max_bytes)};
  }
  buckets_.resize(merged);
  width_ns_ *= 2;
}

void Overview::coarsen(std::size_t buckets) {
  capacity_ = std::max<std::size_t>(1, buckets);
  while (buckets_.size() > capacity_) merge_pairs();
  buckets_.shrink_to_fit();
}

}  // namespace memspike::timeline
