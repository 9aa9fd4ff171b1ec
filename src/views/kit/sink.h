// Where a streaming renderer writes to.
#pragma once

#include <functional>
#include <string_view>

#include "base/result.h"

namespace memspike::views {

// Takes a chunk of output. An error (a full disk, a closed pipe) ends the
// rendering: writers keep the first one, write nothing after it and return it.
using Sink = std::function<Result<void>(std::string_view)>;

}  // namespace memspike::views
