// Bounds of wall-clock time in tests.
#pragma once

#include <chrono>

namespace memspike::test {

// What takes milliseconds on a quiet machine may take a second on one that compiles beside the test. Each
// bound of time tells whether something waits for what never comes (for ever, or until a limit of many
// seconds), not how fast it is: that is for the benchmarks.
inline constexpr std::chrono::seconds kPatience{8};

}  // namespace memspike::test
