// UTC of each moment, though the clock is set meanwhile.
#include <catch2/catch.hpp>

#include "base/clock_offsets.h"

namespace memspike {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kUp = 3'600'000'000'000;  // the node's clock when the recording begins
constexpr std::uint64_t kUtc = 1'800'000'000 * kSecond;

std::vector<ClockOffset> steps_of(const std::vector<ClockOffset>& all) {
  return {all.begin() + 1, all.end()};
}

std::uint64_t to_realtime_ns(const std::vector<ClockOffset>& all, std::uint64_t monotonic_ns) {
  return memspike::to_realtime_ns(all.front(), steps_of(all), monotonic_ns);
}

std::uint64_t to_monotonic_ns(const std::vector<ClockOffset>& all, std::uint64_t realtime_ns) {
  return memspike::to_monotonic_ns(all.front(), steps_of(all), realtime_ns);
}

}  // namespace

TEST_CASE("clocks that go on side by side have one offset, however uncertain it is read") {
  ClockOffsets offsets;
  CHECK_FALSE(offsets.read({kUp, kUtc, 300}));
  CHECK_FALSE(offsets.read({kUp + kSecond, kUtc + kSecond + 1'000, 200}));
  CHECK_FALSE(offsets.read({kUp + 2 * kSecond, kUtc + 2 * kSecond - 50'000, 60'000}));
  CHECK(offsets.all() == std::vector<ClockOffset>{{kUp, kUtc}});
  CHECK(to_realtime_ns(offsets.all(), kUp + kSecond) == kUtc + kSecond);
  CHECK(to_realtime_ns(offsets.all(), kUp - 40) == kUtc - 40);
  CHECK(to_monotonic_ns(offsets.all(), kUtc + kSecond) == kUp + kSecond);
}

TEST_CASE("a clock that is set gives each moment the UTC that it had") {
  ClockOffsets offsets;
  offsets.read({kUp, kUtc, 100});
  CHECK(offsets.read({kUp + 10 * kSecond, kUtc + 3'610 * kSecond, 100}) ==
        static_cast<std::int64_t>(3'600 * kSecond));
  CHECK(offsets.read({kUp + 20 * kSecond, kUtc + 20 * kSecond, 100}) ==
        -static_cast<std::int64_t>(3'600 * kSecond));
  const auto& all = offsets.all();
  CHECK(all.size() == 3);
  CHECK(to_realtime_ns(all, kUp + 9 * kSecond) == kUtc + 9 * kSecond);
  CHECK(to_realtime_ns(all, kUp + 10 * kSecond) == kUtc + 3'610 * kSecond);
  CHECK(to_realtime_ns(all, kUp + 19 * kSecond) == kUtc + 3'619 * kSecond);
  CHECK(to_realtime_ns(all, kUp + 21 * kSecond) == kUtc + 21 * kSecond);
}

TEST_CASE("a time of day that was stepped over, or came twice, is the first moment that was not before it") {
  const std::vector<ClockOffset> forward{{kUp, kUtc}, {kUp + 10 * kSecond, kUtc + 3'610 * kSecond}};
  CHECK(to_monotonic_ns(forward, kUtc + 5 * kSecond) == kUp + 5 * kSecond);
  CHECK(to_monotonic_ns(forward, kUtc + 60 * kSecond) == kUp + 10 * kSecond);
  CHECK(to_monotonic_ns(forward, kUtc + 3'611 * kSecond) == kUp + 11 * kSecond);
  const std::vector<ClockOffset> back{{kUp, kUtc}, {kUp + 10 * kSecond, kUtc + 4 * kSecond}};
  CHECK(to_monotonic_ns(back, kUtc + 8 * kSecond) == kUp + 8 * kSecond);
  CHECK(to_monotonic_ns(back, kUtc + 12 * kSecond) == kUp + 18 * kSecond);
  CHECK(to_monotonic_ns(back, kUtc - kSecond) == kUp - kSecond);
}

TEST_CASE("a clock that is set all the time needs no more memory") {
  ClockOffsets offsets;
  offsets.read({0, kUtc, 0});
  for (std::uint64_t i = 1; i <= 1'000; ++i) {
    CHECK(offsets.read({i * kSecond, kUtc + i * 2 * kSecond, 0}) == static_cast<std::int64_t>(kSecond));
  }
  CHECK(offsets.all().size() == ClockOffsets::kMaxSteps + 1);
  CHECK(to_realtime_ns(offsets.all(), 1'001 * kSecond) == kUtc + 2'001 * kSecond);
}

}  // namespace memspike
