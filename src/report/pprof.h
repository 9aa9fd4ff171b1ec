// Stacks as a gzip'd profile.proto: for `go tool pprof`, Parca and Pyroscope.
#pragma once

#include <string>

#include "base/result.h"
#include "report/report.h"

namespace memspike::report {

// Two values a sample: alloc_space in bytes and pages. Functions have names, no lines; addresses are
// those of the module's own file; mappings carry build ids. All text is escaped and valid UTF-8. The
// same report gives the same bytes.
Result<std::string> render_pprof(const Report& report);

// The message inside, not compressed.
std::string encode_pprof(const Report& report);

}  // namespace memspike::report
