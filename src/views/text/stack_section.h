// The section on stacks: where the memory was asked for.
#pragma once

#include "views/kit/page.h"

namespace memspike::views {

// Writes nothing without stacks.
void write_stacks(Page& page, const report::Report& report);

}  // namespace memspike::views
