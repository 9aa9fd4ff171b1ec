// Stacks as a gzip'd profile.proto: for `go tool pprof`, Parca and Pyroscope.
#pragma once

#include <string>

#include "base/result.h"
#include "report/report.h"
#include "views/kit/way_in.h"

namespace memspike::views {

// Two values a sample: alloc_space in bytes and pages. Addresses are those of the module's own file; mappings
// carry build ids, the program's comes first. The kernel's part is one frame that names the way in, which
// pprof drops by itself (drop_frames): its -top shows the program's own functions. Labels: container, pod,
// process (its number), thread, cgroup, kernel (the way in). All text is escaped and valid UTF-8. The same
// report gives the same bytes.
Result<std::string> render_pprof(const report::Report& report, KernelFrames kernel = KernelFrames::way_in);

// The message inside, not compressed.
std::string encode_pprof(const report::Report& report, KernelFrames kernel = KernelFrames::way_in);

}  // namespace memspike::views
