// The end of the text report: how it was recorded, and what is missing from it.
#pragma once

#include "report/page.h"

namespace memspike::report {

void write_footer(Page& page, const Report& report);

}  // namespace memspike::report
