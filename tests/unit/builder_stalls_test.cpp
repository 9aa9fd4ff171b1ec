// Stalls: of a memcg and of those above it, and of each spike.
#include <catch2/catch.hpp>

#include "builder_events.h"
#include "report/stalls.h"

using namespace memspike;
using namespace memspike::events;
using events::Recording;

TEST_CASE("a spike has the stalls that ended between its bases, in its memcg or below") {
  report::BuilderOptions options;
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
  report::StallLog log(8);
  for (std::uint64_t i = 1; i <= 100; ++i) log.add(10 * i, i);
  CHECK(log.size() <= 8);
  CHECK(log.between(0, 2'000).count == 100);
  CHECK(log.between(0, 2'000).total_ns == 5'050);
  CHECK(log.between(0, 2'000).longest_ns == 100);
  CHECK(log.between(1'000, 1'000).count == 1);  // the latest are told apart
  CHECK(log.between(1'001, 2'000).count == 0);
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
  CHECK(memcgs.at(0).near_misses.stalls == 3);
  CHECK(memcgs.at(0).near_misses.stalled_ns == 900);
  CHECK(memcgs.at(1).near_misses.stalls == 2);
  CHECK(memcgs.at(1).near_misses.longest_ns == 500);
  CHECK(memcgs.at(1).near_misses.stall_ns.count() == 2);
}
