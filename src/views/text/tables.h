// The tables of a section: OOM kills, bursts, who made them, who allocated.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "report/subject.h"
#include "views/kit/page.h"

namespace memspike::views {

// Each of these starts with an empty line, or writes nothing at all.
void write_kills(Page& page, const report::Subject& subject, const report::Report& report);
void write_bursts(Page& page, const report::Memcg& memcg, const report::Report& report);
// Those that tell most, and nothing beside them.
void write_few_bursts(Page& page, const report::Memcg& memcg, const report::Report& report, std::size_t most);
// Of the burst that tells most: the threads that charged until the end of its crest.
void write_culprits(Page& page, const report::Memcg& memcg, const report::Report& report);
void write_allocations(Page& page, const report::Allocations& allocations);

// "java 97 %": the process that charged most of a burst, and its share.
std::string main_culprit(const report::Causes& causes, const report::Report& report, const Page& page);

}  // namespace memspike::views
