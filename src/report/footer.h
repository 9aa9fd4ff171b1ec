// The end of the text report: how it was recorded, and what is missing from it.
#pragma once

#include <cstdint>

#include "report/page.h"

namespace memspike::report {

// Records that are missing from the report. Not what the kernel skipped because an interrupt ran a
// program inside itself: those looks happened anywhere on the node, mostly outside the target.
std::uint64_t records_lost(const Report& report);

void write_footer(Page& page, const Report& report);

}  // namespace memspike::report
