// The JSON report's schema (JSON Schema, draft 2020-12), out of the same description that writes it.
#pragma once

#include <string>

namespace memspike::views {

// Every key that the report may have, which of them are always there, and of which type. Keys may be added
// in later versions: others than these are allowed.
std::string json_schema();

}  // namespace memspike::views
