// Whether a JSON report is as its schema says, and has nothing that the schema does not name.
#pragma once

#include <string>
#include <string_view>

namespace memspike::testing {

// Where it is not, one place a line; empty: it is.
std::string against_schema(std::string_view report);

}  // namespace memspike::testing
