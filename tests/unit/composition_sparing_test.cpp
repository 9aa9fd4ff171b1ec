// Which memory.stat is read where there are many.
#include <catch2/catch.hpp>

#include "composition/sparing.h"

using namespace memspike::composition;

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

}  // namespace

TEST_CASE("an allowance is spent at once after a calm, and by the second in the long run") {
  Allowance allowance(64, 16);
  const std::uint64_t begin_ns = 100 * kSecond;
  int taken = 0;
  while (allowance.take(begin_ns)) ++taken;
  CHECK(taken == 16);
  taken = 0;
  for (std::uint64_t ms = 1; ms <= 10'000; ++ms) taken += allowance.take(begin_ns + ms * 1'000'000) ? 1 : 0;
  CHECK(taken == 640);
  taken = 0;
  while (allowance.take(begin_ns + 60 * kSecond)) ++taken;
  CHECK(taken == 16);
}

TEST_CASE("what rests is read now and then, and what moved is") {
  CHECK(is_reading_due(5 * kSecond, {4 * kSecond, 0}, 4 * kSecond + 1, false));
  CHECK_FALSE(is_reading_due(5 * kSecond, {4 * kSecond, 0}, 4 * kSecond, false));
  CHECK_FALSE(is_reading_due(123 * kSecond, {4 * kSecond, 0}, kSecond, false));
  CHECK(is_reading_due(124 * kSecond, {4 * kSecond, 0}, kSecond, false));
}

TEST_CASE("what its trigger reads all the time is read whole now and then, and soon after that ended") {
  const std::uint64_t now_ns = 20 * kSecond;
  CHECK_FALSE(
      is_reading_due(now_ns, {now_ns - 2 * kSecond, now_ns - kSecond / 2}, now_ns - kSecond / 2, false));
  CHECK(is_reading_due(now_ns, {now_ns - 2 * kSecond, now_ns - kSecond}, now_ns - kSecond, false));
  CHECK(is_reading_due(now_ns, {now_ns - 10 * kSecond, now_ns - kSecond / 2}, now_ns - kSecond / 2, false));
  CHECK_FALSE(is_reading_due(now_ns, {now_ns - 10 * kSecond, now_ns}, now_ns - 11 * kSecond, false));
}

TEST_CASE("the sum of others is read now and then while it moves") {
  const std::uint64_t now_ns = 20 * kSecond;
  CHECK_FALSE(is_reading_due(now_ns, {now_ns - 9 * kSecond, 0}, now_ns, true));
  CHECK(is_reading_due(now_ns, {now_ns - 10 * kSecond, 0}, now_ns, true));
}
