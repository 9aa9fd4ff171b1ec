// What a container, a pod or a cgroup was like: a sentence for each thing to know.
#pragma once

#include "report/subject.h"
#include "views/kit/page.h"

namespace memspike::views {

// What a section starts with: usage, limit, what nearly happened, the kernel's own peak, place.
Facts section_facts(const report::Subject& subject, const report::Report& report, const Page& page);

// How often it nearly was killed, and what that cost.
Facts near_miss_facts(const report::Memcg& memcg, const Page& page);
// What stood at a limit without being killed, and how near it really was.
Facts at_limit_facts(const report::Memcg& memcg, const report::Report& report, const Page& page);
// What a fresh container's floor is made of, where it is not its own doing.
Facts inherited_facts(const report::Memcg& memcg, const Page& page, bool briefly = false);

}  // namespace memspike::views
