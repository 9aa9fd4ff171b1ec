// What the life table makes of bursts: known while they happen, thresholds of their own, levels, kills.
#include <catch2/catch.hpp>
#include <vector>

#include "lives_events.h"

using namespace memspike;
using namespace memspike::events;
using events::Recording;

namespace {

constexpr std::uint64_t kMs = 1'000'000;
constexpr std::uint64_t kSecond = 1'000 * kMs;
constexpr std::uint64_t kWatermark = std::uint64_t{1} << 40;

// Usage of the memcg at slot 0 at a time.
struct At {
  std::uint64_t ms;
  std::uint64_t mib;
};

decode::Sample at(const At& row, std::optional<std::uint64_t> limit_mib) {
  const auto limit = limit_mib ? std::optional(*limit_mib * kMiB) : std::nullopt;
  decode::Level level = events::level(0, row.mib * kMiB, limit, kWatermark);
  level.previous_look_ns = row.ms * kMs;
  return sample(row.ms * kMs, {level});
}

Recording recording_until(const std::vector<At>& rows, std::uint64_t until_ms) {
  Recording recording = recording_of_pod();
  for (const At& row : rows) {
    if (row.ms <= until_ms) recording.apply(at(row, 64));
  }
  return recording;
}

// A container that starts, lives at 38 MiB, and has eight tops of 60 MiB, half a second each, 1.5 s apart.
std::vector<At> eight_tops() {
  std::vector<At> rows{{1, 0}, {20, 20}, {40, 38}};
  for (std::uint64_t i = 1; i <= 8; ++i) {
    const std::uint64_t ms = 1'500 * i;
    rows.insert(rows.end(),
                {{ms, 38}, {ms + 10, 50}, {ms + 20, 60}, {ms + 500, 60}, {ms + 510, 50}, {ms + 520, 38}});
  }
  rows.push_back({14'000, 38});
  return rows;
}

std::uint64_t bursts_of(Recording& recording, std::uint64_t end_ms) {
  recording.close(end_ms * kMs);
  return recording.take().memcgs.at(0).bursts_total;
}

}  // namespace

TEST_CASE("the live count of bursts is that of a report which ends then, at every tenth of a second") {
  const std::vector<At> rows = eight_tops();
  std::uint64_t most = 0;
  for (std::uint64_t until_ms = 100; until_ms <= 14'000; until_ms += 100) {
    Recording recording = recording_until(rows, until_ms);
    recording.apply(at({until_ms, 38}, 64));  // a look; usage as it was says nothing new
    Recording same = recording_until(rows, until_ms);
    same.apply(at({until_ms, 38}, 64));
    INFO(until_ms << " ms");
    const std::uint64_t live = recording.live(until_ms * kMs).bursts;
    REQUIRE(live == bursts_of(same, until_ms));
    most = std::max(most, live);
  }
  CHECK(most == 8);
}

TEST_CASE("eight tops are eight bursts of 22 MiB, and the start is a level") {
  Recording recording = recording_until(eight_tops(), 14'000);
  CHECK(recording.live(14 * kSecond).bursts == 8);
  recording.close(14 * kSecond);
  const report::Memcg memcg = recording.take().memcgs.at(0);
  CHECK(memcg.bursts_total == 8);
  REQUIRE(memcg.bursts.size() == 9);
  CHECK(memcg.bursts[0].is_level);
  CHECK(memcg.bursts[0].outcome == spike::Outcome::ongoing);
  for (std::size_t i = 1; i < memcg.bursts.size(); ++i) {
    const report::Burst& burst = memcg.bursts[i];
    CHECK_FALSE(burst.is_level);
    CHECK(burst.height_bytes() == 22 * kMiB);
    CHECK(burst.rise_ns() == 10 * kMs);
    CHECK(burst.headroom_bytes == 4 * kMiB);
    CHECK(burst.prominence_bytes >= 22 * kMiB);
  }
  CHECK(memcg.burst_histograms.height_bytes.count() == 8);
  CHECK(memcg.burst_histograms.height_bytes.max() == 22 * kMiB);
  CHECK(memcg.burst_histograms.rise_ns.max() == 10 * kMs);
  CHECK(memcg.burst_histograms.slope_bytes_per_second.count() == 8);
  CHECK(memcg.burst_histograms.duration_ns.count() == 8);
  CHECK(memcg.burst_histograms.headroom_bytes.max() == 4 * kMiB);
  CHECK(memcg.burst_histograms.interval_ns.count() == 7);
  CHECK(memcg.burst_threshold_bytes == 64 * kMiB / 20);
}

TEST_CASE("each memcg has its own threshold: by its own limit, or the nearest one above it") {
  Recording recording({}, anything);
  recording.name_cgroup(10, "/pod");
  recording.apply(root_born(100, 0, 10));
  recording.apply(child_born(101, 1, 0, "small"));
  recording.apply(child_born(102, 2, 0, "unlimited"));
  const auto pod = level(0, 10 * kMiB, 400 * kMiB);
  recording.apply(sample(1, {level(1, kMiB, 40 * kMiB), pod}));
  recording.apply(sample(2, {level(2, kMiB), pod}));
  recording.close(100);
  const auto memcgs = recording.take().memcgs;
  CHECK(memcgs.at(0).burst_threshold_bytes == 20 * kMiB);
  CHECK(memcgs.at(1).burst_threshold_bytes == 2 * kMiB);
  CHECK(memcgs.at(2).burst_threshold_bytes == 20 * kMiB);
}

TEST_CASE("a kill is the outcome of the burst that it ended, in each memcg around it, whatever falls") {
  Recording recording = recording_of_pod();
  recording.apply(child_born(101, 1, 0, "app"));
  const auto both = [&](std::uint64_t ms, std::uint64_t mib) {
    recording.apply(sample(ms * kMs, {level(1, mib * kMiB, 64 * kMiB), level(0, mib * kMiB)}));
  };
  for (std::uint64_t mib = 0; mib <= 64; ++mib) both(1 + mib, mib);
  recording.apply(oom_kill(70 * kMs, {level(1, 64 * kMiB, 64 * kMiB), level(0, 64 * kMiB)}));
  CHECK(recording.live(71 * kMs).bursts == 1);
  recording.close(1'000 * kMs);  // tmpfs: it stays
  for (const report::Memcg& memcg : recording.take().memcgs) {
    INFO(memcg.path);
    REQUIRE(memcg.bursts.size() == 1);
    CHECK(memcg.bursts[0].outcome == spike::Outcome::oom_kill);
    CHECK(memcg.bursts[0].end_ns == 70 * kMs);
    CHECK(memcg.bursts_total == 1);
    CHECK(memcg.observed.heights.cut_off() == 1);
    REQUIRE(memcg.spikes.size() == 1);
    CHECK(memcg.spikes[0].outcome == spike::Outcome::oom_kill);
  }
}

TEST_CASE("a rise that gives a little back and stays is in the report, whatever the threshold") {
  for (const std::uint64_t threshold_mib : {1, 19, 20, 21, 51, 409}) {
    lives::LifeOptions options;
    options.min_prominence_bytes = threshold_mib * kMiB;
    Recording recording = recording_of_pod(options);
    for (const At& row : std::vector<At>{{1, 0}, {100, 200}, {200, 409}, {300, 389}, {1'000, 389}}) {
      recording.apply(at(row, 1'024));
    }
    recording.close(2 * kSecond);
    const report::Memcg memcg = recording.take().memcgs.at(0);
    INFO(threshold_mib << " MiB");
    REQUIRE(memcg.spikes.size() == 1);
    CHECK(memcg.spikes[0].peak_bytes == 409 * kMiB);
    CHECK(memcg.spikes[0].prominence_bytes == (threshold_mib <= 20 ? 20 : 409) * kMiB);
    REQUIRE(memcg.bursts.size() == 1);
    CHECK(memcg.bursts[0].height_bytes() == 409 * kMiB);
    CHECK(memcg.bursts[0].outcome == spike::Outcome::ongoing);
    CHECK(memcg.bursts[0].is_level);
  }
}

TEST_CASE("a burst that goes with its memcg was removed with it") {
  Recording recording = recording_of_pod();
  for (const At& row : std::vector<At>{{1, 30}, {900, 30}, {910, 60}}) recording.apply(at(row, {}));
  decode::Level last = level(0, 60 * kMiB, {}, kWatermark);
  last.previous_look_ns = 1'000 * kMs;
  recording.apply(decode::MemcgGone{1'000 * kMs, 100, last});
  recording.close(2 * kSecond);
  const report::Memcg memcg = recording.take().memcgs.at(0);
  REQUIRE(memcg.bursts.size() == 1);
  CHECK(memcg.bursts[0].outcome == spike::Outcome::removed);
}

TEST_CASE("bursts of a long recording are bounded, and all are in the histograms") {
  lives::LifeOptions options;
  options.keep_all_spikes = false;
  Recording recording = recording_of_pod(options);
  constexpr std::uint64_t kBursts = 40'000;
  for (std::uint64_t i = 1; i <= kBursts; ++i) push_spike(recording, 100 * i, 10 * kMiB, 20 * kMiB);
  recording.close(100 * kBursts + 1'000);
  const report::Memcg memcg = recording.take().memcgs.at(0);
  CHECK(memcg.bursts.size() <= 16'384);
  CHECK(memcg.bursts_total == kBursts);
  CHECK(memcg.burst_histograms.height_bytes.count() == kBursts);
}
