// The section of the text report about one container, pod or cgroup.
#pragma once

#include "report/page.h"
#include "report/subject.h"

namespace memspike::report {

// The facts that it starts with: usage, limit, the kernel's own peak, place.
void write_facts(Page& page, const Subject& subject, const Report& report);

void write_section(Page& page, const Subject& subject, const Report& report);

}  // namespace memspike::report
