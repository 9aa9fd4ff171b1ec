// The report as metrics, for node_exporter's textfile collector and its like.
#pragma once

#include <string>

#include "base/result.h"
#include "report/report.h"
#include "views/kit/sink.h"

namespace memspike::views {

// Counters, gauges and histograms, each family with HELP, TYPE and UNIT.
//
// The two text formats contradict each other in one point, so no text with a counter in it is true to
// both: the TYPE line of a counter names `x_total` in the Prometheus text format (0.0.4), and `x` in
// OpenMetrics 1.0. What reads textfiles (node_exporter, `promtool check metrics`) takes the former
// only, and would degrade counters to untyped by the latter's rule: so the former it is. All else is
// what both want: UNIT lines, which are comments to the former and name the family as OpenMetrics does;
// base units, `le` labels as floats; samples of a family together; no timestamps; `# EOF` at the end.
// Prometheus' own OpenMetrics parser takes it, too.
Result<void> render_openmetrics(const report::Report& report, const Sink& sink);
std::string render_openmetrics(const report::Report& report);

}  // namespace memspike::views
