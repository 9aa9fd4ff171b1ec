// What this program holds on the heap, for tests of what things cost.
#pragma once

#include <cstddef>

namespace memspike::heap {

// Held through operator new now, with what the allocator adds to fill its blocks.
std::size_t bytes();

}  // namespace memspike::heap
