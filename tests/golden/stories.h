// Reports as sessions would make them, built by hand for the golden tests.
#pragma once

#include "report/report.h"

namespace memspike::golden {

// A pod whose container lives at 38 MiB under a 50 MiB limit, bursts, and is
// OOM-killed and restarted, with its sandbox beside it.
report::Report oom_story();

// The same with the timeline of the container's first life.
report::Report oom_story_with_timeline();

// A target that did nothing at all while it was watched, and one that never came.
report::Report silent();
report::Report absent();

// A memcg that moved, but never spiked.
report::Report quiet();

// Names that attack terminals, CSV, JSON and HTML.
report::Report hostile();

// Records lost, a kernel peak that differs, a kill at somebody else's limit, notes.
report::Report losses();

// Hundreds of spikes and kills, across midnight, with no limit and no names.
report::Report crowd();
// A recording with --stacks: hostile names, templates, places without names, stacks cut short.
report::Report stacks();

// Text that attacks every format at once.
extern const char* const kHostileName;

}  // namespace memspike::golden
