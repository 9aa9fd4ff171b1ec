// The section on stacks: where the memory was asked for.
#pragma once

#include "report/page.h"

namespace memspike::report {

// Writes nothing without stacks.
void write_stacks(Page& page, const Report& report);

}  // namespace memspike::report
