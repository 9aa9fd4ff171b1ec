#include "spike/kill_log.h"

#include <algorithm>

namespace memspike::spike {

bool KillLog::any_within(std::uint64_t first_ns, std::uint64_t last_ns) const {
  const auto kill = std::lower_bound(times_ns_.begin(), times_ns_.end(), first_ns);
  return kill != times_ns_.end() && *kill <= last_ns;
}

void KillLog::forget_before(std::uint64_t time_ns) {
  times_ns_.erase(times_ns_.begin(), std::lower_bound(times_ns_.begin(), times_ns_.end(), time_ns));
}

void KillLog::forget_older_half() {
  times_ns_.erase(times_ns_.begin(), times_ns_.begin() + static_cast<std::ptrdiff_t>(times_ns_.size() / 2));
}

}  // namespace memspike::spike
