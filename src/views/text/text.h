// The report as text: what an SRE reads at 3:40 AM.
#pragma once

#include <string>

#include "report/report.h"
#include "views/kit/style.h"
#include "views/text/parts.h"

namespace memspike::views {

// What happened, in a sentence each; of each container, pod or cgroup that spiked or was killed the wanted
// parts; a line for each quiet one; how it was recorded. No line is wider than style.columns, all untrusted
// text is escaped.
std::string render_text(const report::Report& report, const TextStyle& style,
                        const TextParts& wanted = TextParts::all());

// A screen and a half: what happened, why, what to do, how sure; and how to see the rest.
std::string render_short(const report::Report& report, const TextStyle& style);

}  // namespace memspike::views
