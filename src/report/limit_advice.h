// Which limit would have held, as YAML to paste and the numbers that led to it.
#pragma once

#include "report/page.h"
#include "report/subject.h"

namespace memspike::report {

// Starts with an empty line, or writes nothing at all.
void write_advice(Page& page, const Subject& subject, const Report& report);

}  // namespace memspike::report
