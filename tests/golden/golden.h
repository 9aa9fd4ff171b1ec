// Compares with a file under tests/golden/data.
#pragma once

#include <string>
#include <string_view>

namespace memspike::golden {

// Checks that `actual` is the file to the byte and says where it first differs.
// With MEMSPIKE_UPDATE_GOLDENS=1 in the environment, writes the file instead.
void check_golden(std::string_view file, std::string_view actual);

}  // namespace memspike::golden
