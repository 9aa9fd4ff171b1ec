// C++ (and old Rust) names as people write them.
#pragma once

#include <string>
#include <string_view>

namespace memspike::symbols {

// "_Z3fooi" is "foo(int)"; what is not mangled, or too long, is given back as it is.
std::string demangle(std::string_view name);

}  // namespace memspike::symbols
