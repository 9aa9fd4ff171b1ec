// Each rule of the burst detector on a series small enough to work out by hand: milliseconds and MiB.
#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

#include "spike/burst_detector.h"

using namespace memspike::spike;

namespace {

constexpr std::uint64_t kMiB = 1U << 20;
constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kStart = 900'000'000'000'000;

std::uint64_t at(std::uint64_t ms) { return kStart + ms * kMs; }

// Usage in MiB at milliseconds. Between two of them it moves in a straight line, a row each millisecond.
class Story {
 public:
  explicit Story(std::uint64_t threshold_mib, std::uint64_t usage_mib = 0)
      : detector_(threshold_mib * kMiB), usage_bytes_(usage_mib * kMiB) {
    push();
  }

  Story& to(std::uint64_t usage_mib, std::uint64_t in_ms) {
    const std::uint64_t from = usage_bytes_;
    const std::uint64_t to = usage_mib * kMiB;
    for (std::uint64_t i = 1; i <= in_ms; ++i) {
      ms_ += 1;
      usage_bytes_ = to >= from ? from + (to - from) / in_ms * i : from - (from - to) / in_ms * i;
      if (i == in_ms) usage_bytes_ = to;
      push();
    }
    return *this;
  }
  // No row comes while it stands, but the one that says until when.
  Story& stand(std::uint64_t ms) {
    ms_ += ms;
    push();
    return *this;
  }
  Story& limit(std::uint64_t mib) {
    limit_bytes_ = mib * kMiB;
    return *this;
  }
  Story& kill() {
    detector_.note_kill(at(ms_), found);
    return *this;
  }
  Story& finish(Outcome outcome = Outcome::ongoing) {
    detector_.finish(outcome, found);
    return *this;
  }
  std::size_t up() const { return detector_.open(Outcome::ongoing).size(); }

  std::vector<Burst> found;

 private:
  void push() {
    const std::uint64_t headroom = limit_bytes_ == 0 ? kNoHeadroom : limit_bytes_ - usage_bytes_;
    detector_.push({at(ms_), usage_bytes_, headroom}, found);
  }

  BurstDetector detector_;
  std::uint64_t usage_bytes_;
  std::uint64_t ms_ = 0;
  std::uint64_t limit_bytes_ = 0;
};

using FromTo = std::pair<std::uint64_t, std::uint64_t>;
using FromTos = std::vector<FromTo>;

}  // namespace

template <>
struct Catch::StringMaker<FromTo> {
  static std::string convert(const FromTo& value) {
    return std::to_string(value.first) + ".." + std::to_string(value.second);
  }
};

namespace {

FromTos heights(const Story& story) {
  FromTos result;
  for (const Burst& burst : story.found) {
    result.emplace_back(burst.floor.usage_bytes / kMiB, burst.top.usage_bytes / kMiB);
  }
  return result;
}

}  // namespace

TEST_CASE("bursts: nothing comes of nothing, a fall, or a rise below the threshold") {
  CHECK(Story(3).finish().found.empty());
  CHECK(Story(3, 40).to(0, 10).finish().found.empty());
  CHECK(Story(3, 40).to(42, 10).to(40, 10).finish().found.empty());
}

TEST_CASE("bursts: one burst, every field") {
  Story story(3, 38);
  story.limit(64).stand(100).to(60, 22).stand(500).to(38, 22).stand(100);
  REQUIRE(story.found.size() == 1);
  const Burst& burst = story.found[0];
  CHECK(burst.floor == memspike::timeline::UsageAt{at(100), 38 * kMiB});
  CHECK(burst.top == memspike::timeline::UsageAt{at(122), 60 * kMiB});
  CHECK(burst.rise_begin == memspike::timeline::UsageAt{at(101), 39 * kMiB});  // the first move
  CHECK(burst.rise_end == burst.top);
  CHECK(burst.height_bytes() == 22 * kMiB);
  CHECK(burst.half_begin_ns == at(111));
  CHECK(burst.high_begin_ns == at(120));
  CHECK(burst.duration_ns == 522 * kMs);
  CHECK(burst.crest_ns == 504 * kMs + 200'000);
  CHECK(burst.end_ns == at(633));
  CHECK(burst.rise_ns() == 21 * kMs);
  CHECK(burst.slope_bytes_per_second() == 1000 * kMiB);
  CHECK(burst.headroom_bytes == 4 * kMiB);
  CHECK(burst.outcome == Outcome::fell);
}

TEST_CASE("bursts: known at the row that is back by half, not before") {
  Story story(3, 38);
  story.stand(100).to(60, 22).to(50, 10);
  CHECK(story.found.empty());
  CHECK(story.up() == 1);
  story.to(49, 1);
  CHECK(story.found.size() == 1);
  CHECK(story.up() == 0);
}

TEST_CASE("bursts: eight equal tops above the level that it lives at are eight, each from its own floor") {
  Story story(3);
  story.to(38, 30).stand(400);
  for (std::uint64_t i = 1; i <= 8; ++i) {
    story.to(60, 20).stand(100);
    CHECK(story.up() == 2);  // the container's start is up, too
    story.to(38, 20).stand(200);
    CHECK(heights(story) == FromTos(i, {38, 60}));
  }
}

TEST_CASE("bursts: a long stay at the top changes nothing") {
  Story story(3);
  story.to(38, 30).stand(3000);
  for (int i = 0; i < 3; ++i) story.to(60, 20).stand(20'000).to(38, 20).stand(5000);
  CHECK(heights(story) == FromTos(3, {38, 60}));
}

TEST_CASE("bursts: what a kill cut off is measured from where it left its floor") {
  Story story(3);
  story.limit(50).to(8, 10).to(38, 150).stand(2800).to(50, 80).kill();
  REQUIRE(story.found.size() == 1);
  CHECK(story.found[0].rise_begin.usage_bytes == 38 * kMiB + 12 * kMiB / 80);  // the first move
  CHECK(story.found[0].height_bytes() - 12 * kMiB < kMiB);
  CHECK(story.found[0].outcome == Outcome::oom_kill);
  CHECK(story.found[0].rise_begin.time_ns == at(2961));
  CHECK(story.found[0].end_ns == at(3040));
  CHECK(story.found[0].rise_ns() == 79 * kMs);
  CHECK(story.found[0].headroom_bytes == 0);
}

TEST_CASE("bursts: a kill ends the rise, whether memory falls or stays, and further kills belong to it") {
  Story story(4);
  story.limit(64).to(64, 60).stand(10).kill().stand(1000).kill().finish();
  REQUIRE(heights(story) == FromTos{{0, 64}});
  CHECK(story.found[0].outcome == Outcome::oom_kill);
  Story fell(4);
  fell.limit(64).to(64, 60).kill().to(0, 5).to(64, 60).kill().to(0, 5).finish();
  CHECK(heights(fell) == FromTos(2, {0, 64}));
  CHECK(fell.found[1].outcome == Outcome::oom_kill);
}

TEST_CASE("bursts: small dips and steps neither end nor split a rise") {
  Story dips(3, 38);
  dips.stand(1000);
  dips.to(45, 7).to(44, 1).to(52, 8).to(48, 2).to(70, 20).to(60, 5).to(70, 5).to(38, 20);
  CHECK(heights(dips) == FromTos{{38, 70}});
  CHECK(dips.found[0].rise_begin.time_ns == at(1001));
}

TEST_CASE("bursts: a staircase is one rise, and so is a ramp") {
  Story stairs(3);
  for (std::uint64_t step = 1; step <= 8; ++step) stairs.to(10 * step, 5).stand(100);
  stairs.to(0, 20);
  CHECK(heights(stairs) == FromTos{{0, 80}});
  for (const std::uint64_t in_ms : {7, 100, 3000, 60'000}) {
    Story ramp(3, 20);
    ramp.stand(50).to(27, in_ms).to(20, 5).stand(50);
    ramp.to(80, in_ms).to(20, 5);
    INFO(in_ms << " ms");
    CHECK(heights(ramp) == FromTos{{20, 27}, {20, 80}});
  }
}

TEST_CASE("bursts: a drift is no part of them") {
  Story story(3, 38);
  story.stand(100).to(46, 60'000).to(68, 20).stand(100);
  story.to(46, 20).to(50, 60'000).to(72, 20).stand(100).to(50, 20);
  REQUIRE(story.found.size() == 2);
  for (const Burst& burst : story.found) {
    CHECK(burst.height_bytes() >= 22 * kMiB);
    CHECK(burst.height_bytes() < 24 * kMiB);
    CHECK(burst.rise_ns() <= 21 * kMs);
  }
}

TEST_CASE("bursts: a rise within a longer one is its own, and the longer one is told when it is over") {
  Story story(3, 38);
  story.stand(500).to(60, 20).stand(3000);
  for (int i = 0; i < 2; ++i) story.to(80, 20).stand(100).to(60, 20).stand(500);
  CHECK(heights(story) == FromTos(2, {60, 80}));
  story.to(38, 20);
  CHECK(heights(story) == FromTos{{60, 80}, {60, 80}, {38, 60}});
  CHECK(story.found[2].duration_ns > 4000 * kMs);
}

TEST_CASE("bursts: many equal tops at the limit are one, however reclaim trims them") {
  Story story(1, 4);
  story.limit(20).stand(300).to(20, 50);
  for (int i = 0; i < 500; ++i) story.to(18, 1).to(20, 2);
  story.kill().to(4, 3).finish();
  CHECK(heights(story) == FromTos{{4, 20}});
}

TEST_CASE("bursts: what is still up at the end is ongoing, or went with its memcg") {
  Story story(3, 38);
  story.stand(100).to(60, 22).stand(100);
  Story removed = story;
  story.finish();
  REQUIRE(story.found.size() == 1);
  CHECK(story.found[0].outcome == Outcome::ongoing);
  CHECK(story.found[0].duration_ns == 111 * kMs);
  CHECK(story.up() == 0);
  removed.finish(Outcome::removed);
  CHECK(removed.found.at(0).outcome == Outcome::removed);
}
