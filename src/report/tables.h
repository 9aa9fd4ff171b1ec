// The tables of a section: OOM kills, spikes, who made them, who allocated.
#pragma once

#include <cstdint>
#include <string>

#include "report/page.h"
#include "report/subject.h"

namespace memspike::report {

// Each of these starts with an empty line, or writes nothing at all.
void write_kills(Page& page, const Subject& subject, const Report& report);
void write_spikes(Page& page, const Memcg& memcg, const Report& report);
// Of the spike that tells most: the threads that charged on its rising edge.
void write_culprits(Page& page, const Memcg& memcg, const Report& report);
void write_allocations(Page& page, const Allocations& allocations);

// "java 97 %": the process that charged most of a spike, and its share.
std::string main_culprit(const Spike& spike, const Report& report, const Page& page);

// "12.3 %"; empty where there is no whole.
std::string percent_share(std::uint64_t part, std::uint64_t whole);

}  // namespace memspike::report
