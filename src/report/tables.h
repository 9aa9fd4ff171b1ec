// The tables of a section: OOM kills, spikes, who allocated.
#pragma once

#include <cstdint>

#include "report/page.h"
#include "report/subject.h"

namespace memspike::report {

// Each of these starts with an empty line, or writes nothing at all.
void write_kills(Page& page, const Subject& subject, const Report& report);
void write_spikes(Page& page, const Memcg& memcg, std::uint64_t min_prominence_bytes);
void write_allocations(Page& page, const Allocations& allocations);

}  // namespace memspike::report
