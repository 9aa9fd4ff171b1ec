// What is to be said of OOM kills beside their numbers.
#pragma once

#include <cstddef>

#include "report/subject.h"
#include "views/kit/page.h"

namespace memspike::views {

// Those that a table shows are the latest; `first`: the first of them.
inline constexpr std::size_t kMaxKillsShown = 20;
std::size_t first_kill_shown(const report::Subject& subject);

// Whose limit it was, and how that is known; nobody is surprised by a memcg's own one.
Facts cause_facts(const report::Subject& subject, std::size_t first, const report::Report& report,
                  const Page& page);
// Who died together, and how many by whose count.
Facts count_facts(const report::Subject& subject, std::size_t first, const report::Report& report,
                  const Page& page);
// Of the last kill: which process died, and whether its container did; who asked for what was not there, or
// made it so; and what the kernel's log says.
Facts death_facts(const report::Subject& subject, const report::Report& report, const Page& page);
Facts trigger_facts(const report::OomKill& kill, const report::Report& report, const Page& page);
Facts log_facts(const report::OomKill& kill, const Page& page);

// All of them, as a section tells them.
Facts kill_facts(const report::Subject& subject, const report::Report& report, const Page& page);

// "3 OOM kills below, listed there"
Labelled listed_below_fact(const report::Subject& subject);

}  // namespace memspike::views
