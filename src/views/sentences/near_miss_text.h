// What nearly was a kill, in words.
#pragma once

#include <string>

#include "near_miss/near_miss.h"
#include "views/kit/page.h"

namespace memspike::views {

// "the limit was hit 41 times without a kill; tasks stalled 41 times in reclaim: 380 ms in all, the longest
// 20 ms". `no_kill`: none of them was answered by one. "": nothing happened.
std::string near_miss_text(const Page& page, const near_miss::LimitHits& hits,
                           const near_miss::Stalls& stalls, bool no_kill);

}  // namespace memspike::views
