// Any bytes as valid UTF-8, which is all that a proto's string may hold, and back.
#pragma once

#include <string>
#include <string_view>

namespace memspike::recording {

// Text that is valid and holds no backslash stays as it is. Otherwise a backslash is doubled and
// a byte that is no UTF-8 becomes \xNN.
std::string to_utf8(std::string_view bytes);

// The inverse; what is no such escape stays as it is.
std::string from_utf8(std::string_view text);

}  // namespace memspike::recording
