#include "probe/feature_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "cgroup/text.h"
#include "probe/features.h"

namespace memspike::probe {

Result<void> check_feature_names(const std::vector<std::string>& names) {
  std::vector<std::string_view> known = feature_names();
  std::sort(known.begin(), known.end());
  for (const std::string& name : names) {
    if (std::binary_search(known.begin(), known.end(), name)) continue;
    return fail(ErrorKind::usage,
                fmt::format("--disable-feature: there is no feature \"{}\"", cgroup::printable(name)),
                fmt::format("it is one of {}", fmt::join(known, ", ")));
  }
  return {};
}

}  // namespace memspike::probe
