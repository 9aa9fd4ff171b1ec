// What a reader learns first: whom the report is about, and what happened to them.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "report/subject.h"
#include "views/kit/page.h"

namespace memspike::views {

// A pod of hundreds of nameless containers must not bury the first screen.
inline constexpr std::size_t kMaxHeadlines = 10;

struct Headline {
  Tone tone = Tone::plain;
  std::string text;      // escaped, glued
  std::string remark{};  // what dashboards showed of it; "": nothing to say
};

// "pod shop/checkout (burstable)", or the target as it was asked for. Escaped.
std::string target_name(const report::Report& report, const Page& page);

// "from 2026-11-24 03:40:13 UTC, for 30.0 s · uid 3f2a…". Escaped, glued.
std::string when_and_what(const report::Report& report, const Page& page);

// The interesting ones in order of importance: killed first, then in the report's order.
std::vector<const report::Subject*> interesting_of(const std::vector<report::Subject>& subjects);

// First what is missing of the recording. A sentence for each of the first kMaxHeadlines interesting
// subjects, and how many more there are; one that says so where nothing happened; one about losses.
std::vector<Headline> headlines_of(const report::Report& report, const std::vector<report::Subject>& subjects,
                                   const Page& page);

// What there is to say of a subject that needs no section: "no spikes", "its spikes are its containers'".
std::string remark_on(const report::Subject& subject, const Page& page);

}  // namespace memspike::views
