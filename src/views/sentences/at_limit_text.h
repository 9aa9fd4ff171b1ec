// What stood at a limit without being killed, in words. Escaped.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "report/subject.h"
#include "views/kit/page.h"

namespace memspike::views {

// For the headline, where nothing was killed: "hung at its limit of 20.0 MiB for 3.21 s, and still does:
// python3 (pid 4711) waits for room, and the OOM killer is disabled (memory.oom_control)", "was held at its
// memory.high of 30.0 MiB for 14.9 s (throttled 341 times, tasks slept 14.2 s of it)". Nothing where nothing
// stood.
std::optional<std::string> stood_phrase(const report::Subject& subject, const report::Report& report,
                                        const Page& page);

// For the headline: ", 4.0 KiB short of being killed", ", 2.0 MiB short of its memory.high". With page cache
// in it that reclaim would have taken:
// ", 90.3 MiB of it page cache that can be reclaimed: 90.3 MiB short of being killed". "" where neither is
// known, or where that is not what happens at this limit.
std::string headroom_phrase(const report::Memcg& memcg, const report::Burst* burst, const Page& page);

// Whether usage, without what reclaim could have taken back, came as near to the limit as this share of it.
bool came_close(const report::Memcg& memcg, double share);

// One standstill: who, from when, for how long, and why.
std::string standstill_text(const report::Standstill& standstill, const report::Report& report,
                            const Page& page);

// How long memory.high held it up; "" where it did not.
std::string held_text(const report::Memcg& memcg, const Page& page);

// How near it came, and what of that was page cache; "" where that makes no difference.
std::string cache_text(const report::Memcg& memcg, const Page& page);

}  // namespace memspike::views
