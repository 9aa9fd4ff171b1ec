// `memspike-workload stacks counted`: C++ containers whose owners say how much each of them holds.
#pragma once

#include <cstdint>

namespace memspike::workload {

void counted_spike(std::uint64_t size_bytes);

}  // namespace memspike::workload
