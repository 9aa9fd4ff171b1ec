// The pictures of a section: usage over its whole time, and before it was killed.
#pragma once

#include "report/subject.h"
#include "views/kit/page.h"

namespace memspike::views {

// Each of these starts with an empty line, or writes nothing at all.
void write_timeline(Page& page, const report::Subject& subject);
void write_last_second(Page& page, const report::Subject& subject, const report::Report& report);

}  // namespace memspike::views
