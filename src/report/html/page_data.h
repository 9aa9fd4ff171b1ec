// What the page's script is told: the report, prepared for its charts and tables.
#pragma once

#include <vector>

#include "report/page.h"
#include "report/sink.h"
#include "report/subject.h"

namespace memspike::report::html {

// Streams one JSON object, private to this room: page/*.js reads it, and nobody else. Sentences are
// the text report's own. Times are ns since the recording began, exact in JavaScript's numbers for
// 104 days; sizes are bytes. The timelines are not in it.
Result<void> write_page_data(const Report& report, const std::vector<Subject>& subjects, const Page& page,
                             const Sink& sink);

}  // namespace memspike::report::html
