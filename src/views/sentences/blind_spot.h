// What the dashboards saw meanwhile, in a sentence and in a table.
#pragma once

#include <cstdint>
#include <string>

#include "report/subject.h"
#include "views/kit/page.h"

namespace memspike::views {

// "kubectl top: 38.4 MiB. Kernel: 50.0 MiB. A 30 s scraper had a 1.4 % chance to see it." Glued.
std::string blind_sentence(const report::Subject& subject, const Page& page);

// Starts with an empty line, or writes nothing at all.
void write_blind_spot(Page& page, const report::Subject& subject);

// "0.04 %", "1.4 %", "23 %", "under 0.01 %", "over 99 %": never rounded to all or nothing.
std::string percent_of_ppm(std::uint64_t ppm);

}  // namespace memspike::views
