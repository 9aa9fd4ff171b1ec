// The report as JSON: a contract that other programs read (schema_version 1).
#pragma once

#include <string>

#include "report/report.h"
#include "views/kit/sink.h"

namespace memspike::views {

// Streams the document: memory stays small however long the timeline. The
// sink's first error, if there was one.
//
// Integers only; bytes and nanoseconds in the names; null for what is absent:
// a missing limit, headroom without any limit above, the extremes and
// percentiles of an empty histogram. Always valid UTF-8. Keys come in the
// contract's order, additions after them.
Result<void> render_json(const report::Report& report, const Sink& sink);

// The same, as one string.
std::string render_json(const report::Report& report);

}  // namespace memspike::views
