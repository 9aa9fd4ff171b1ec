// Stacks as text for flame graphs: "container;pid 7;thread;outermost;…;innermost;way into the kernel_[k]
// pages", one line each.
#pragma once

#include <string>

#include "report/report.h"
#include "views/kit/way_in.h"

namespace memspike::views {

// Equal lines are added up; most pages first. What is the kernel's ends in "_[k]", as the usual scripts
// mark it. A stack that does not reach the begin of its thread has "[cut short]" there. Semicolons, controls
// and invalid bytes in names are escaped (";" becomes ":"), so that a line is a stack. Empty without stacks.
std::string render_folded(const report::Report& report, KernelFrames kernel = KernelFrames::way_in);

}  // namespace memspike::views
