// Which limit would have held, as YAML to paste and the numbers that led to it.
#pragma once

#include <string>

#include "report/subject.h"
#include "views/kit/page.h"

namespace memspike::views {

// "limits.memory at least 55Mi (50.0 MiB, where spikes were cut off, and 10 %), requests.memory 39Mi". Glued.
// "": there is nothing to advise.
std::string advice_sentence(const report::Subject& subject, const Page& page);

// Starts with an empty line, or writes nothing at all.
void write_advice(Page& page, const report::Subject& subject, const report::Report& report);

}  // namespace memspike::views
