#include "near_miss/near_miss.h"

#include <algorithm>

namespace memspike::near_miss {

void Stalls::add(const Stalls& other) {
  count += other.count;
  total_ns += other.total_ns;
  longest_ns = std::max(longest_ns, other.longest_ns);
}

void LimitHits::add(const LimitHits& other) {
  refused_charges += other.refused_charges;
  throttled_charges += other.throttled_charges;
}

}  // namespace memspike::near_miss
