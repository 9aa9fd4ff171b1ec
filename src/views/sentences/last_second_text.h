// What usage did right before the last kill, in words.
#pragma once

#include <cstdint>
#include <string>

#include "report/subject.h"
#include "views/kit/page.h"

namespace memspike::views {

bool has_last_second(const report::Subject& subject);

// "from 38.0 MiB to the limit of 50.0 MiB in 8,390 us: 1,430 MiB/s". Nothing where it is not known.
Facts last_second_facts(const report::Subject& subject, const Page& page);

// A slope in MiB/s, without the unit: "9.87", "398", "1,522".
std::string slope_mib(std::uint64_t bytes_per_second);

}  // namespace memspike::views
