// What a spike consisted of, in words.
#pragma once

#include <string>

#include "report/page.h"

namespace memspike::report {

// "anon +60.0 MiB, page cache +2.0 MiB (memory.stat, read 3 ms before the base and 1 ms after the
// peak)". Glued. "": not known.
std::string grown_text(const Spike& spike, const Page& page);

// "user pages 60.0 MiB, kernel 1.2 MiB, other 64.0 KiB (by gfp flags)". Glued. "": not known.
std::string allocated_text(const Spike& spike, const Page& page);

}  // namespace memspike::report
