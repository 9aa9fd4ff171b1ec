// What a burst consisted of, in words.
#pragma once

#include <string>

#include "views/kit/page.h"

namespace memspike::views {

// "anon +60.0 MiB, page cache +2.0 MiB (memory.stat, read 3 ms before it rose and 1 ms before the kill)".
// Glued. "": not known.
std::string composition_text(const report::Burst& burst, const Page& page);

// "page cache -121 MiB, anon +119 MiB while it stood there (memory.stat)": where what it consisted of changed
// after it had arrived.
std::string shifted_text(const report::Burst& burst, const Page& page);

// "user pages 60.0 MiB, kernel 1.2 MiB, other 64.0 KiB (by gfp flags)". Glued. "": not known.
std::string allocated_text(const report::Burst& burst, const Page& page);

}  // namespace memspike::views
