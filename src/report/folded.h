// Stacks as text for flame graphs: "comm;outermost;…;innermost pages", one line each.
#pragma once

#include <string>

#include "report/report.h"

namespace memspike::report {

// Equal lines are added up; most pages first. Kernel functions end in "_[k]", as the usual scripts
// mark them. Semicolons, controls and invalid bytes in names are escaped (";" becomes ":"), so that a
// line is a stack. Empty without stacks.
std::string render_folded(const Report& report);

}  // namespace memspike::report
