#include "views/sentences/near_miss_text.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <vector>

#include "views/kit/style.h"

namespace memspike::views {

std::string near_miss_text(const Page& page, const near_miss::LimitHits& hits,
                           const near_miss::Stalls& stalls, bool no_kill) {
  std::vector<std::string> told;
  if (hits.refused_charges > 0) {
    told.push_back(
        fmt::format("the limit was hit {}{}", times(hits.refused_charges), no_kill ? " without a kill" : ""));
  }
  if (hits.throttled_charges > 0) {
    told.push_back(fmt::format("memory.high throttled {}", times(hits.throttled_charges)));
  }
  if (stalls.count > 0) {
    told.push_back(fmt::format("tasks stalled {} in reclaim: {} in all, the longest {}", times(stalls.count),
                               page.duration(stalls.total_ns), page.duration(stalls.longest_ns)));
  }
  return fmt::format("{}", fmt::join(told, "; "));
}

}  // namespace memspike::views
