// When a service looks closer by itself.
#include <catch2/catch.hpp>

#include "serve/zoom.h"

using namespace memspike::serve;

namespace {

constexpr std::uint64_t kSecond = Zoom::kSecondNs;
constexpr std::uint64_t kLimit = 1000;

}  // namespace

TEST_CASE("a kill makes the service look closer, and a quiet time lets it go") {
  Zoom zoom;
  CHECK_FALSE(zoom.decide(kSecond));
  zoom.note(7, Trouble::refused, 100 * kSecond);
  zoom.note(7, Trouble::killed, 100 * kSecond);
  const auto in = zoom.decide(100 * kSecond);
  REQUIRE(in);
  CHECK(in->is_in);
  CHECK(in->memcg == 7U);
  CHECK(in->why == Trouble::killed);
  CHECK_FALSE(zoom.decide(219 * kSecond));
  const auto out = zoom.decide(220 * kSecond);
  REQUIRE(out);
  CHECK_FALSE(out->is_in);
  CHECK_FALSE(out->is_spent);
  // Not to and fro.
  zoom.note(8, Trouble::refused, 221 * kSecond);
  CHECK_FALSE(zoom.decide(221 * kSecond));
  CHECK(zoom.decide(240 * kSecond)->memcg == 8U);
}

TEST_CASE("headroom that is small makes nobody look closer until it falls") {
  Zoom zoom;
  std::uint64_t now = kSecond;
  for (; now < 60 * kSecond; now += kSecond) {
    zoom.sample(1, 50, kLimit, now);                          // stands there
    zoom.sample(2, 900 - now / kSecond * 10, kLimit, now);    // falls, and has much
    zoom.sample(3, 95 + now / kSecond % 2 * 6, kLimit, now);  // moves by less than a hundredth
    CHECK_FALSE(zoom.decide(now));
  }
  zoom.sample(1, 30, kLimit, now);
  const auto in = zoom.decide(now);
  REQUIRE(in);
  CHECK(in->memcg == 1U);
  CHECK(in->why == Trouble::headroom);
}

TEST_CASE("a container that is in trouble all the time is looked at for some minutes, and then has to wait") {
  Zoom zoom;
  std::uint64_t in_ns = 0;
  bool saw_other = false;
  constexpr std::uint64_t kHours = 6 * 3600;
  for (std::uint64_t second = 1; second < kHours; ++second) {
    zoom.note(1, Trouble::refused, second * kSecond);
    // Another one dies meanwhile.
    if (second == 1000) zoom.note(2, Trouble::killed, second * kSecond);
    if (const auto decision = zoom.decide(second * kSecond)) {
      if (decision->memcg == 2U) saw_other = true;
      CHECK(decision->is_in == zoom.is_in());
    }
    in_ns += zoom.is_in() ? kSecond : 0;
  }
  CHECK(saw_other);
  CHECK(in_ns > 10 * 300 * kSecond);
  CHECK(in_ns < kHours * kSecond / 6);
}

TEST_CASE("however many are in trouble, the node is looked at closer for a quarter of the time at most") {
  Zoom zoom;
  std::uint64_t in_ns = 0;
  bool was_spent = false;
  constexpr std::uint64_t kHours = 10 * 3600;
  for (std::uint64_t second = 1; second < kHours; ++second) {
    zoom.note(static_cast<memspike::facts::MemcgIndex>(second / 10), Trouble::killed, second * kSecond);
    if (const auto decision = zoom.decide(second * kSecond)) was_spent = was_spent || decision->is_spent;
    in_ns += zoom.is_in() ? kSecond : 0;
  }
  CHECK(was_spent);
  CHECK(in_ns < kHours * kSecond * 28 / 100);
}

TEST_CASE("in haste it does the same in less time") {
  Zoom zoom(60);
  zoom.note(7, Trouble::killed, 100 * kSecond);
  REQUIRE(zoom.decide(100 * kSecond)->is_in);
  CHECK_FALSE(zoom.decide(101 * kSecond));
  const auto out = zoom.decide(102 * kSecond);
  REQUIRE(out);
  CHECK_FALSE(out->is_in);
}
