#include <algorithm>
#include <catch2/catch.hpp>

#include "probe/cadence.h"

using memspike::probe::Cadence;

namespace {

// Of a slot that moved last at sweep 0.
std::uint32_t largest_gap(const Cadence& cadence, std::uint32_t from, std::uint32_t to) {
  std::uint32_t last = from, gap = 0;
  for (std::uint32_t sweep = from; sweep < to; ++sweep) {
    if (!cadence.is_due(sweep, 0, 5)) continue;
    gap = std::max(gap, sweep - last);
    last = sweep;
  }
  return gap;
}

}  // namespace

TEST_CASE("a sweep of 1 ms looks once in 64 ms at what is quiet") {
  const Cadence cadence = Cadence::of_period(1'000'000);
  CHECK(cadence.max_shift == 6);
  CHECK(cadence.quiet_shift == 9);  // 512 ms, the next power of two below a second
}

TEST_CASE("a sweep that is rare already looks at all") {
  CHECK(Cadence::of_period(64'000'000).max_shift == 0);
  CHECK(Cadence::of_period(2'000'000'000).max_shift == 0);
  CHECK(Cadence::of_period(2'000'000'000).quiet_shift == 0);
  CHECK(Cadence::of_period(20'000'000).max_shift == 1);
}

TEST_CASE("what is quiet is looked at less and less often") {
  const Cadence cadence = Cadence::of_period(1'000'000);
  CHECK(largest_gap(cadence, 0, 512) == 1);
  CHECK(largest_gap(cadence, 512, 1024) == 2);
  CHECK(largest_gap(cadence, 1024, 1536) == 4);
  CHECK(largest_gap(cadence, 4096, 8000) == 64);
}

TEST_CASE("what moved just now is looked at in each sweep, when the count has wrapped around, too") {
  const Cadence cadence = Cadence::of_period(1'000'000);
  for (const std::uint32_t moved : {0u, 1000u, 0xffffffffu}) {
    for (std::uint32_t after = 0; after < 512; ++after) REQUIRE(cadence.is_due(moved + after, moved, 7));
  }
}

TEST_CASE("quiet ones are not all looked at in the same sweep") {
  const Cadence cadence = Cadence::of_period(1'000'000);
  constexpr std::uint32_t kSlots = 512;
  for (std::uint32_t sweep = 100'000; sweep < 100'064; ++sweep) {
    std::uint32_t due = 0;
    for (std::uint32_t slot = 0; slot < kSlots; ++slot) due += cadence.is_due(sweep, 0, slot) ? 1 : 0;
    CHECK(due == kSlots / 64);
  }
}

TEST_CASE("where all are quiet the timer fires once in 16 ms at least") {
  CHECK(Cadence::of_period(1'000'000).step_shift == 4);
  CHECK(Cadence::of_period(100'000).step_shift == 7);
  CHECK(Cadence::of_period(20'000'000).step_shift == 0);
}
