// Near misses, stalls and charges that a limit held up: of a memcg (stalls of those above it, too), and of
// each spike.
#include <algorithm>
#include <catch2/catch.hpp>

#include "lives_events.h"
#include "near_miss/near_miss.h"
#include "near_miss/stall_marks.h"

using namespace memspike;
using namespace memspike::events;
using events::Recording;

TEST_CASE("a spike has the stalls that ended in its time, in its memcg or below") {
  lives::LifeOptions options;
  options.min_prominence_bytes = kMiB;
  Recording stalled = recording_of_pod(options);
  stalled.apply(child_born(101, 1, 0, "app"));
  constexpr std::uint64_t kWatermark = std::uint64_t{1} << 40;
  const auto row = [&](std::uint64_t time_ns, std::uint64_t bytes) {
    decode::Level each = level(0, bytes, {}, kWatermark);
    each.previous_look_ns = time_ns;
    stalled.apply(sample(time_ns, {each}));
  };
  row(1'000, kMiB);
  stalled.apply(decode::Stall{1'005, 900, 4096, 0, 42, 43});  // it stood still until later
  stalled.apply(decode::Stall{1'010, 7, 4096, 1, 42, 43});    // of the child; on the base itself
  row(1'010, 9 * kMiB);
  stalled.apply(decode::Stall{1'015, 5, 4096, 0, 42, 43});
  row(1'020, kMiB);
  stalled.apply(decode::Stall{1'500, 100, 4096, 0, 42, 43});  // between the spikes
  row(2'000, kMiB);
  row(2'010, 9 * kMiB);
  row(2'020, 2 * kMiB);
  stalled.apply(decode::Stall{2'100, 50, 4096, 0, 42, 43});
  stalled.close(3'000);
  const auto spikes = stalled.take().memcgs.at(0).spikes;
  REQUIRE(spikes.size() == 2);
  CHECK(spikes[0].stalls.count == 2);
  CHECK(spikes[0].stalls.total_ns == 12);
  CHECK(spikes[0].stalls.longest_ns == 7);
}

TEST_CASE("stalls that are too many are joined, and none is lost") {
  near_miss::StallLog log(8);
  for (std::uint64_t i = 1; i <= 100; ++i) log.add(10 * i, {1, i, i});
  CHECK(log.size() <= 8);
  CHECK(log.between(0, 2'000).count == 100);
  CHECK(log.between(0, 2'000).total_ns == 5'050);
  CHECK(log.between(0, 2'000).longest_ns == 100);
  CHECK(log.between(1'000, 1'000).count == 1);  // the latest are told apart
  CHECK(log.between(1'001, 2'000).count == 0);
}

TEST_CASE("of bursts that are too many none is counted for another one") {
  constexpr std::uint64_t kMs = 1'000'000;
  near_miss::StallLog log(128);
  for (std::uint64_t burst = 1; burst <= 20; ++burst) {
    for (std::uint64_t i = 0; i < 1'000; ++i) log.add(burst * 40 * kMs + i * 2'000, {1, burst, burst});
  }
  CHECK(log.size() <= 128);
  for (std::uint64_t burst = 1; burst <= 20; ++burst) {
    const near_miss::Stalls stalls = log.between(burst * 40 * kMs, burst * 40 * kMs + 20 * kMs);
    CHECK(stalls == near_miss::Stalls{1'000, 1'000 * burst, burst});
  }
}

TEST_CASE("stalls of all times are joined in any capacity") {
  near_miss::StallLog log(4);
  for (std::uint64_t bit = 0; bit < 63; ++bit) log.add(std::uint64_t{1} << bit, {1, 1, 1});
  CHECK(log.size() <= 4);
  CHECK(log.between(0, ~std::uint64_t{0}).count == 63);
}

TEST_CASE("marks are the stalls themselves while there is room") {
  near_miss::StallMarks marks(4);
  marks.add(1'000, 100);
  marks.add(1'050, 2'000);  // it began before the recording's clock did
  marks.add(900, 10);       // too late: as of the latest
  const std::vector<near_miss::StallMark> expected = {{900, 1'000, 1'000, {1, 100, 100}},
                                                      {0, 1'050, 1'050, {2, 2'010, 2'000}}};
  CHECK(marks.all() == expected);
}

TEST_CASE("marks that are too many are joined where they are dense, and the longest stays where it was") {
  constexpr std::uint64_t kMs = 1'000'000;
  near_miss::StallMarks marks(64);
  for (std::uint64_t second = 1; second <= 20; ++second) {
    marks.add(second * 1'000 * kMs, kMs);  // alone
    if (second != 7) continue;
    for (std::uint64_t i = 0; i < 100'000; ++i) {
      marks.add(7'100 * kMs + i * 1'000, i == 31'416 ? 90 * kMs : i % 900);
    }
  }
  const auto& all = marks.all();
  CHECK(all.size() <= 64);
  CHECK(all.size() > 32);
  near_miss::Stalls sum;
  std::uint64_t alone = 0;
  for (const near_miss::StallMark& mark : all) {
    sum.add(mark.stalls);
    alone += mark.stalls.count == 1;
    CHECK(mark.from_ns <= mark.longest_end_ns - mark.stalls.longest_ns);
    CHECK(mark.longest_end_ns <= mark.until_ns);
  }
  CHECK(sum.count == 100'020);
  CHECK(alone == 20);
  const auto longest = std::max_element(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return a.stalls.longest_ns < b.stalls.longest_ns;
  });
  CHECK(longest->stalls.longest_ns == 90 * kMs);
  CHECK(longest->longest_end_ns == 7'100 * kMs + 31'416'000);
  CHECK(longest->from_ns == longest->longest_end_ns - 90 * kMs);
  CHECK(std::is_sorted(all.begin(), all.end(),
                       [](const auto& a, const auto& b) { return a.until_ns < b.until_ns; }));
}

TEST_CASE("stalls are marked on a timeline that is kept, in the pod as in the container") {
  for (const bool keep : {true, false}) {
    lives::LifeOptions options;
    options.keep_timeline = keep;
    Recording recording = recording_of_pod(options);
    recording.apply(child_born(101, 1, 0, "app"));
    recording.apply(sample(1, {level(1, kMiB, 8 * kMiB), level(0, kMiB)}));
    recording.apply(decode::Stall{2'000, 300, 4096, 1, 42, 43});
    recording.apply(decode::Stall{3'000, 500, 4096, 0, 42, 43});
    const auto memcgs = recording.take().memcgs;
    const std::vector<near_miss::StallMark> all = {{1'700, 2'000, 2'000, {1, 300, 300}},
                                                   {2'500, 3'000, 3'000, {1, 500, 500}}};
    CHECK(memcgs.at(0).stall_marks.all() == (keep ? all : std::vector<near_miss::StallMark>{}));
    CHECK(memcgs.at(1).stall_marks.all().size() == (keep ? 1 : 0));
  }
}

TEST_CASE("a task that stalls in a container stalls in its pod, too") {
  Recording recording = recording_of_pod();
  recording.apply(child_born(101, 1, 0, "app"));
  recording.apply(sample(1, {level(1, kMiB, 8 * kMiB), level(0, kMiB)}));
  recording.apply(decode::Stall{2'000, 300, 4096, 1, 42, 43});
  recording.apply(decode::Stall{3'000, 500, 4096, 1, 42, 43});
  recording.apply(decode::Stall{4'000, 100, 4096, 0, 42, 43});
  recording.apply(decode::Stall{5'000, 100, 4096, 9, 42, 43});  // of nobody that is known
  const auto memcgs = recording.take().memcgs;
  CHECK(memcgs.at(0).near_misses.stalls.count == 3);
  CHECK(memcgs.at(0).near_misses.stalls.total_ns == 900);
  CHECK(memcgs.at(1).near_misses.stalls.count == 2);
  CHECK(memcgs.at(1).near_misses.stalls.longest_ns == 500);
  CHECK(memcgs.at(1).near_misses.stall_ns.count() == 2);
}

namespace {

// A pod with a container that has two spikes: the first from 1000 to 1020 ns, the second from 2000 on.
// Before it came into the target its limit had been hit 7 times.
Recording twice_spiked(lives::LifeOptions options = {}) {
  options.min_prominence_bytes = kMiB;
  Recording recording = recording_of_pod(options);
  decode::MemcgBorn born = child_born(101, 1, 0, "app");
  born.hits = {7, 1};
  recording.apply(born);
  const auto row = [&](std::uint64_t time_ns, std::uint64_t bytes) {
    decode::Level each = level(1, bytes, 10 * kMiB, 10 * kMiB);
    each.previous_look_ns = time_ns;
    recording.apply(sample(time_ns, {each, level(0, bytes, {}, 10 * kMiB)}));
  };
  row(1'000, kMiB);
  row(1'010, 9 * kMiB);
  recording.apply(decode::LimitHits{1'011, 1, {10, 1}});
  recording.apply(decode::LimitHits{1'012, 1, {9, 1}});  // of a CPU that had looked before
  recording.apply(decode::LimitHits{1'013, 1, {12, 2}});
  recording.apply(decode::LimitHits{1'013, 9, {90, 90}});  // of nobody that is known
  row(1'020, kMiB);
  recording.apply(decode::LimitHits{1'500, 1, {13, 2}});  // told late: usage was at the limit before
  row(2'000, kMiB);
  row(2'010, 9 * kMiB);
  row(2'020, 2 * kMiB);
  return recording;
}

}  // namespace

TEST_CASE("a spike has the charges that its memcg's own limits held up in its time") {
  Recording recording = twice_spiked();
  recording.apply(decode::MemcgGone{3'000, 101, level(1, 0, 10 * kMiB, 10 * kMiB), {15, 2}});
  const auto memcgs = recording.take().memcgs;
  const auto& spikes = memcgs.at(1).spikes;
  REQUIRE(spikes.size() == 2);
  CHECK(spikes[0].limit_hits == near_miss::LimitHits{6, 1});
  CHECK(spikes[1].limit_hits == near_miss::LimitHits{2, 0});
  // It was not the pod's limit.
  REQUIRE(memcgs.at(0).spikes.size() == 2);
  CHECK_FALSE(memcgs.at(0).spikes[0].limit_hits.any());
}

TEST_CASE("a memcg that is gone has the kernel's last count of what its limits held up") {
  Recording recording = twice_spiked();
  recording.apply(decode::MemcgGone{3'000, 101, level(1, 0, 10 * kMiB, 10 * kMiB), {15, 2}});
  const auto near = recording.take().memcgs.at(1).near_misses;
  CHECK(near.refused_charges == 8u);
  CHECK(near.throttled_charges == 1u);
}

TEST_CASE("what the kernel does not count is not known of a memcg that is gone, and 0 is known") {
  Recording recording = recording_of_pod();
  decode::MemcgBorn born = child_born(101, 1, 0, "app");
  born.hits = {7, {}};
  recording.apply(born);
  recording.apply(sample(1, {level(1, kMiB, 8 * kMiB), level(0, kMiB)}));
  recording.apply(decode::MemcgGone{3'000, 101, level(1, 0, 10 * kMiB, 10 * kMiB), {7, {}}});
  const auto near = recording.take().memcgs.at(1).near_misses;
  CHECK(near.refused_charges == 0u);
  CHECK_FALSE(near.throttled_charges.has_value());
}

TEST_CASE("a memcg of a recording that was cut has the hits that had been told of") {
  const auto near = twice_spiked().take().memcgs.at(1).near_misses;
  CHECK(near.refused_charges == 6u);
  CHECK(near.throttled_charges == 1u);
}
