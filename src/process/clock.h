// The clocks, read here and nowhere below.
#pragma once

#include <cstdint>

#include "base/clock_offsets.h"

namespace memspike {

// CLOCK_MONOTONIC and CLOCK_BOOTTIME of the node, as the kernel's own events have them: in a time namespace
// this process's are shifted against them.
std::uint64_t monotonic_ns();
std::uint64_t boottime_ns();

// CLOCK_REALTIME, which no namespace shifts.
std::uint64_t realtime_ns();

// The two at one instant.
ClockReading read_clocks();

}  // namespace memspike
