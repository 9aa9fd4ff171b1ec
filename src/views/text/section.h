// The section of the text report about one container, pod or cgroup.
#pragma once

#include "report/subject.h"
#include "views/kit/page.h"
#include "views/text/parts.h"

namespace memspike::views {

// Nothing of it where none of its parts is wanted.
void write_section(Page& page, const report::Subject& subject, const report::Report& report,
                   const TextParts& wanted);

}  // namespace memspike::views
