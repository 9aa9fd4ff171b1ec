// The pictures of a section: usage over its whole time, and before it was killed.
#pragma once

#include "report/page.h"
#include "report/subject.h"

namespace memspike::report {

// Each of these starts with an empty line, or writes nothing at all.
void write_timeline(Page& page, const Subject& subject);
void write_last_second(Page& page, const Subject& subject, const Report& report);

// A slope in MiB/s, without the unit: "9.87", "398", "1,522".
std::string slope_mib(std::uint64_t bytes_per_second);

}  // namespace memspike::report
