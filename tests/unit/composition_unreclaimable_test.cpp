// How near to a kill, with the page cache taken off.
#include <catch2/catch.hpp>

#include "composition/parts.h"
#include "composition/unreclaimable.h"

namespace memspike::composition {
namespace {

constexpr std::uint64_t kMiB = 1U << 20;
constexpr std::uint64_t kLimit = 100 * kMiB;

// A memcg below a limit of 100 MiB; times count up by themselves.
class Story {
 public:
  Story& row(std::uint64_t usage_mib) {
    state_.row(++now_ns_, usage_mib * kMiB, kLimit - usage_mib * kMiB);
    return *this;
  }
  Story& reading(std::uint64_t usage_mib, std::uint64_t cache_mib) {
    state_.reading(++now_ns_, usage_mib * kMiB, cache_mib * kMiB);
    return *this;
  }
  Unreclaimable end() {
    state_.finish();
    return state_;
  }

 private:
  std::uint64_t now_ns_ = 0;
  Unreclaimable state_;
};

}  // namespace

TEST_CASE("a file that is written up to the limit leaves the room that its cache takes") {
  const Unreclaimable seen =
      Story().row(10).reading(10, 0).row(60).row(100).reading(100, 90).row(100).reading(100, 91).end();
  REQUIRE(seen.closest());
  CHECK(seen.closest()->headroom_bytes == 90 * kMiB);
  CHECK(seen.closest()->usage_bytes == 100 * kMiB);
  CHECK(seen.closest()->cache_bytes == 90 * kMiB);
  CHECK(seen.closest()->time_ns == 4);
  CHECK(seen.peak_bytes() == 10 * kMiB);
}

TEST_CASE("a heap that came and went between two readings counts whole") {
  const Unreclaimable seen = Story().reading(40, 10).row(90).row(40).reading(40, 10).end();
  CHECK(seen.closest()->headroom_bytes == 20 * kMiB);
  CHECK(seen.closest()->cache_bytes == 10 * kMiB);
  CHECK(seen.peak_bytes() == 80 * kMiB);
}

TEST_CASE("a heap that pushes the cache out of a full limit is as near as its last reading says") {
  const Unreclaimable seen = Story().reading(100, 90).row(100).row(99).reading(99, 10).row(100).end();
  CHECK(seen.closest()->headroom_bytes == 10 * kMiB);
  CHECK(seen.peak_bytes() == 90 * kMiB);
}

TEST_CASE("what has no cache is as near as its usage") {
  const Unreclaimable seen = Story().reading(40, 0).row(70).row(95).reading(100, 0).row(30).end();
  CHECK(seen.closest()->headroom_bytes == 5 * kMiB);
  CHECK(seen.peak_bytes() == 95 * kMiB);
}

TEST_CASE("without a reading or a limit nothing is said") {
  CHECK_FALSE(Story().row(90).end().closest());
  Unreclaimable unlimited;
  unlimited.reading(1, 10, 5);
  unlimited.row(2, 90, {});
  unlimited.finish();
  CHECK_FALSE(unlimited.closest());
  CHECK(unlimited.peak_bytes() == 85U);
  unlimited.reading(1, 90, 90);  // a reading from before the last one
  CHECK(unlimited.peak_bytes() == 85U);
}

TEST_CASE("more cache than usage, as two files read apart may say, is all of it") {
  const Unreclaimable seen = Story().row(50).reading(40, 60).end();
  CHECK(seen.closest()->headroom_bytes == 90 * kMiB);
  CHECK(seen.peak_bytes() == 10 * kMiB);
}

}  // namespace memspike::composition

TEST_CASE("a reading of memory.stat that is late is told by what usage has and no part explains") {
  constexpr std::uint64_t kMiB = 1 << 20;
  memspike::composition::Reading reading;
  reading.usage_bytes = 48 * kMiB;
  reading.parts.file_bytes = kMiB;  // of before the burst
  CHECK(reading.lags());
  reading.parts.file_bytes = 43 * kMiB;
  CHECK_FALSE(reading.lags());
  reading.usage_bytes = 3 * kMiB;  // charged ahead
  reading.parts.file_bytes = 0;
  CHECK_FALSE(reading.lags());
}
