// What nearly was a kill, in words.
#pragma once

#include <string>

#include "report/near.h"
#include "report/page.h"

namespace memspike::report {

// "the limit was hit 41 times without a kill; tasks stalled 41 times in reclaim: 380 ms in all, the longest
// 20 ms". `no_kill`: none of them was answered by one. "": nothing happened.
std::string near_text(const Page& page, const LimitHits& hits, const Stalls& stalls, bool no_kill);

}  // namespace memspike::report
