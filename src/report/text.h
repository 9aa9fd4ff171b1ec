// The report as text: what an SRE reads at 3:40 AM.
#pragma once

#include <string>

#include "report/report.h"
#include "report/style.h"

namespace memspike::report {

// What happened, in a sentence each; a section for every container, pod or
// cgroup that spiked or was killed; a line for each quiet one; how it was
// recorded. No line is wider than style.columns, all untrusted text is escaped.
std::string render_text(const Report& report, const TextStyle& style);

}  // namespace memspike::report
