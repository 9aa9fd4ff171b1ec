// Whether the names given to --disable-feature are ones that find_features knows.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace memspike::probe {

// ErrorKind::usage for the first unknown name, with the known ones as advice: a
// misspelt name would otherwise test nothing, silently.
Result<void> check_feature_names(const std::vector<std::string>& names);

}  // namespace memspike::probe
