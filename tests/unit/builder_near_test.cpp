// Stalls: of a memcg and of those above it, and of each spike.
#include <algorithm>
#include <catch2/catch.hpp>

#include "builder_events.h"
#include "report/stall_marks.h"
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

TEST_CASE("marks are the stalls themselves while there is room") {
  report::StallMarks marks(4);
  marks.add(1'000, 100);
  marks.add(1'050, 2'000);  // it began before the recording's clock did
  marks.add(900, 10);       // too late: as of the latest
  const std::vector<report::StallMark> expected = {{900, 1'000, 1'000, {1, 100, 100}},
                                                   {0, 1'050, 1'050, {2, 2'010, 2'000}}};
  CHECK(marks.all() == expected);
}

TEST_CASE("marks that are too many are joined where they are dense, and the longest stays where it was") {
  constexpr std::uint64_t kMs = 1'000'000;
  report::StallMarks marks(64);
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
  report::Stalls sum;
  std::uint64_t alone = 0;
  for (const report::StallMark& mark : all) {
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
    report::BuilderOptions options;
    options.keep_timeline = keep;
    Recording recording = recording_of_pod(options);
    recording.apply(child_born(101, 1, 0, "app"));
    recording.apply(sample(1, {level(1, kMiB, 8 * kMiB), level(0, kMiB)}));
    recording.apply(decode::Stall{2'000, 300, 4096, 1, 42, 43});
    recording.apply(decode::Stall{3'000, 500, 4096, 0, 42, 43});
    const auto memcgs = recording.take().memcgs;
    const std::vector<report::StallMark> all = {{1'700, 2'000, 2'000, {1, 300, 300}},
                                                {2'500, 3'000, 3'000, {1, 500, 500}}};
    CHECK(memcgs.at(0).stall_marks.all() == (keep ? all : std::vector<report::StallMark>{}));
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
  CHECK(memcgs.at(0).near_misses.stalls == 3);
  CHECK(memcgs.at(0).near_misses.stalled_ns == 900);
  CHECK(memcgs.at(1).near_misses.stalls == 2);
  CHECK(memcgs.at(1).near_misses.longest_ns == 500);
  CHECK(memcgs.at(1).near_misses.stall_ns.count() == 2);
}
