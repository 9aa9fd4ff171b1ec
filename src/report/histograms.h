// The histograms of a section, side by side where there is room.
#pragma once

#include "report/page.h"

namespace memspike::report {

// Starts with an empty line, or writes nothing at all.
void write_histograms(Page& page, const Histograms& histograms);

}  // namespace memspike::report
