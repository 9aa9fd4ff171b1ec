#include "report/near.h"

#include <algorithm>

namespace memspike::report {

void Stalls::add(const Stalls& other) {
  count += other.count;
  total_ns += other.total_ns;
  longest_ns = std::max(longest_ns, other.longest_ns);
}

void LimitHits::add(const LimitHits& other) {
  refused_charges += other.refused_charges;
  throttled_charges += other.throttled_charges;
}

}  // namespace memspike::report
