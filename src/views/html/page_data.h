// What the page's script is told: the report, prepared for its charts and tables.
#pragma once

#include <vector>

#include "report/subject.h"
#include "views/kit/page.h"
#include "views/kit/sink.h"

namespace memspike::views::html {

// Streams one JSON object, private to this room: page/*.js reads it, and nobody else. Sentences are
// the text report's own. Times are ns since the recording began, exact in JavaScript's numbers for
// 104 days; sizes are bytes. The timelines are not in it.
Result<void> write_page_data(const report::Report& report, const std::vector<report::Subject>& subjects,
                             const Page& page, const Sink& sink);

}  // namespace memspike::views::html
