#include <catch2/catch.hpp>

#include "probe/firing_ratio.h"

using memspike::probe::FiringRatio;

namespace {

constexpr std::uint64_t kMs = 1'000'000;

// Ten looks a second at a workload that fires so often; when the ratio was first called too high.
std::optional<std::uint64_t> noticed_after_ns(std::uint64_t fired_a_second, std::uint64_t firings_a_move) {
  FiringRatio ratio;
  for (std::uint64_t ms = 100; ms <= 5000; ms += 100) {
    const std::uint64_t fired = fired_a_second * ms / 1000;
    if (ratio.too_high(1'000'000 * kMs + ms * kMs, fired, fired / firings_a_move)) return ms * kMs;
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("a hook that fires for every charge is noticed within a second") {
  const auto after_ns = noticed_after_ns(500'000, 64);
  REQUIRE(after_ns);
  CHECK(*after_ns <= 1000 * kMs);
  CHECK(noticed_after_ns(20'000, 64).value_or(UINT64_MAX) <= 1000 * kMs);
}

TEST_CASE("a hook that fires for batches is not") {
  CHECK_FALSE(noticed_after_ns(500'000, 1));
  CHECK_FALSE(noticed_after_ns(500'000, 4));  // some refused, some that another CPU saw first
}

TEST_CASE("what fires seldom may be as it is") { CHECK_FALSE(noticed_after_ns(1000, 64)); }

TEST_CASE("the ratio is of the latest stretch, and says how high") {
  FiringRatio ratio;
  CHECK_FALSE(ratio.too_high(1000 * kMs, 100'000, 100'000));
  CHECK_FALSE(ratio.too_high(1100 * kMs, 200'000, 100'000));  // too soon
  const auto high = ratio.too_high(1500 * kMs, 740'000, 110'000);
  REQUIRE(high);
  CHECK(*high == 64);
  CHECK_FALSE(ratio.too_high(2000 * kMs, 840'000, 210'000));
  CHECK(ratio.too_high(2500 * kMs, 940'000, 210'000));  // no move at all
}
