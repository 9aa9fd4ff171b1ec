// The histograms of a section, side by side where there is room.
#pragma once

#include "views/kit/page.h"

namespace memspike::views {

// Starts with an empty line, or writes nothing at all.
void write_histograms(Page& page, const report::Memcg& memcg);
// How near to a limit; beside it, where there is room, how high.
void write_few_histograms(Page& page, const report::Memcg& memcg);

}  // namespace memspike::views
