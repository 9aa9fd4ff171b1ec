// Leaves out of facts what people pass to programs: command lines, and what stands behind a name in a
// process's name.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "facts/fact.h"

namespace memspike::serve {

// Up to where arguments would begin: "java" of "java -Dtoken=s3cret", "postgres" of "postgres: shop". A name
// is the process's own choice; of one that is nothing but such a thing nothing is left.
std::string_view without_arguments(std::string_view comm);

// Nothing: there is nothing to be left out.
std::optional<facts::Fact> redacted(const facts::Fact& fact);

}  // namespace memspike::serve
