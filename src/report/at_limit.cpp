#include "report/at_limit.h"

#include <algorithm>

namespace memspike::report {

const Standstill* AtLimit::longest() const {
  const auto found = std::max_element(
      standstills.begin(), standstills.end(),
      [](const Standstill& a, const Standstill& b) { return a.duration_ns() < b.duration_ns(); });
  return found != standstills.end() ? &*found : nullptr;
}

}  // namespace memspike::report
