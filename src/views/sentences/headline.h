// What happened, in a sentence.
#pragma once

#include <string>

#include "report/subject.h"
#include "views/kit/page.h"

namespace memspike::views {

// "container app was OOM-killed 3 times by its own limit: lives at 38.1 MiB, peaks at 50.0 MiB =
// 100 % of its 50.0 MiB limit, rises in 4.21 ms". Escaped, glued; for an
// interesting subject.
std::string headline_of(const report::Subject& subject, const report::Report& report, const Page& page);

// alarm where something was killed, warn where it came close to it, else plain.
Tone tone_of(const report::Subject& subject);

// "96 %", "99.9 %": never rounded up to 100 %. limit_bytes > 0.
std::string percent_of(std::uint64_t bytes, std::uint64_t limit_bytes);

}  // namespace memspike::views
