// What the lives of one container are together.
#pragma once

#include "report/report.h"

namespace memspike::report {

// The memcg as the first of its lives, without kills, timeline and picture: those may be millions of points,
// and kills are gathered from all lives at once.
Memcg first_life(const Memcg& memcg);

// A later life of the same container.
void add_life(Memcg& into, const Memcg& next);

}  // namespace memspike::report
