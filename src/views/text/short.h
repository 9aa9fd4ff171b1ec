// The short report's own parts: a container's section, and how sure all of it is.
#pragma once

#include <vector>

#include "report/subject.h"
#include "views/kit/page.h"

namespace memspike::views {

void write_short_section(Page& page, const report::Subject& subject, const report::Report& report);

// Peaks beside the kernel's, losses, the longest gap, what it cost, and how to see more.
void write_sure(Page& page, const report::Report& report, const std::vector<report::Subject>& subjects);

}  // namespace memspike::views
