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
  CHECK(zoom.decide(kSecond).empty());
  zoom.note({7, 7}, Trouble::refused, 100 * kSecond);
  zoom.note({7, 7}, Trouble::killed, 100 * kSecond);
  const auto in = zoom.decide(100 * kSecond);
  REQUIRE(in.size() == 1);
  CHECK(in[0].is_in);
  CHECK(in[0].place.root == 7U);
  CHECK(in[0].why == Trouble::killed);
  CHECK(zoom.decide(219 * kSecond).empty());
  const auto out = zoom.decide(220 * kSecond);
  REQUIRE(out.size() == 1);
  CHECK_FALSE(out[0].is_in);
  CHECK(out[0].place.root == 7U);
  CHECK_FALSE(out[0].is_spent);
  // Not to and fro.
  zoom.note({8, 8}, Trouble::refused, 221 * kSecond);
  CHECK(zoom.decide(221 * kSecond).empty());
  const auto next = zoom.decide(240 * kSecond);
  REQUIRE(next.size() == 1);
  CHECK(next[0].place.root == 8U);
}

TEST_CASE("each container is looked at closer for its own trouble, and for that long") {
  Zoom zoom;
  zoom.note({7, 7}, Trouble::killed, 100 * kSecond);
  CHECK(zoom.decide(100 * kSecond).size() == 1);
  zoom.note({8, 8}, Trouble::refused, 105 * kSecond);
  const auto second = zoom.decide(105 * kSecond);
  REQUIRE(second.size() == 1);
  CHECK(second[0].is_in);
  CHECK(second[0].place.root == 8U);
  CHECK(zoom.decide(134 * kSecond).empty());
  const auto out = zoom.decide(135 * kSecond);
  REQUIRE(out.size() == 1);
  CHECK_FALSE(out[0].is_in);
  CHECK(out[0].place.root == 8U);
  CHECK(zoom.is_in());
  // While there is one, another need not wait.
  zoom.note({8, 8}, Trouble::refused, 136 * kSecond);
  CHECK(zoom.decide(136 * kSecond).size() == 1);
  CHECK(zoom.decide(220 * kSecond).size() == 2);
  CHECK_FALSE(zoom.is_in());
}

TEST_CASE("a container that is started again in its pod is in the same trouble") {
  Zoom zoom;
  zoom.note({7, 1}, Trouble::killed, 100 * kSecond);
  CHECK(zoom.decide(100 * kSecond).size() == 1);
  zoom.end(7);
  zoom.note({9, 1}, Trouble::killed, 110 * kSecond);
  CHECK(zoom.decide(110 * kSecond).empty());
  CHECK(zoom.decide(229 * kSecond).empty());
  const auto out = zoom.decide(230 * kSecond);
  REQUIRE(out.size() == 1);
  CHECK(out[0].place.memcg == 9U);
}

TEST_CASE("headroom that is small makes nobody look closer until it falls") {
  Zoom zoom;
  std::uint64_t now = kSecond;
  for (; now < 60 * kSecond; now += kSecond) {
    zoom.sample({1, 1}, 50, kLimit, now);                          // stands there
    zoom.sample({2, 2}, 900 - now / kSecond * 10, kLimit, now);    // falls, and has much
    zoom.sample({3, 3}, 95 + now / kSecond % 2 * 6, kLimit, now);  // moves by less than a hundredth
    CHECK(zoom.decide(now).empty());
  }
  zoom.sample({1, 1}, 30, kLimit, now);
  const auto in = zoom.decide(now);
  REQUIRE(in.size() == 1);
  CHECK(in[0].place.root == 1U);
  CHECK(in[0].why == Trouble::headroom);
}

TEST_CASE("a container that is in trouble all the time is looked at for some minutes, and then has to wait") {
  Zoom zoom;
  std::uint64_t in_ns = 0;
  bool saw_other = false;
  constexpr std::uint64_t kHours = 6 * 3600;
  for (std::uint64_t second = 1; second < kHours; ++second) {
    zoom.note({1, 1}, Trouble::refused, second * kSecond);
    // Another one dies meanwhile.
    if (second == 1000) zoom.note({2, 2}, Trouble::killed, second * kSecond);
    for (const Zoom::Decision& decision : zoom.decide(second * kSecond)) {
      if (decision.place.root == 2U) saw_other = true;
      CHECK(decision.is_in == zoom.is_in());
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
    const auto memcg = static_cast<memspike::facts::MemcgIndex>(second / 10);
    zoom.note({memcg, memcg}, Trouble::killed, second * kSecond);
    for (const Zoom::Decision& decision : zoom.decide(second * kSecond))
      was_spent = was_spent || decision.is_spent;
    in_ns += zoom.is_in() ? kSecond : 0;
  }
  CHECK(was_spent);
  CHECK(in_ns < kHours * kSecond * 28 / 100);
}

TEST_CASE("in haste it does the same in less time") {
  Zoom zoom(60);
  zoom.note({7, 7}, Trouble::killed, 100 * kSecond);
  CHECK(zoom.decide(100 * kSecond).size() == 1);
  CHECK(zoom.decide(101 * kSecond).empty());
  const auto out = zoom.decide(102 * kSecond);
  REQUIRE(out.size() == 1);
  CHECK_FALSE(out[0].is_in);
}
