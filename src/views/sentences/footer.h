// The end of a report: how it was recorded, and what is missing from it.
#pragma once

#include <cstdint>

#include "views/kit/page.h"

namespace memspike::views {

// Records that are missing from the report. Not what the kernel skipped because an interrupt ran a
// program inside itself: those looks happened anywhere on the node, mostly outside the target.
std::uint64_t records_lost(const report::Report& report);

Facts footer_facts(const report::Report& report, const Page& page);

// "lost   nothing", or what, by cause.
Facts lost_facts(const report::Report& report, const Page& page);

}  // namespace memspike::views
