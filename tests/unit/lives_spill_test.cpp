// Bounded memory: the oldest spikes go on in the histograms only, and nothing is lost by that.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "lives_events.h"

using namespace memspike;
using namespace memspike::events;
using lives::Life;

namespace {

constexpr std::uint64_t kBase = 10 * kMiB;
constexpr std::size_t kKeep = 10;

std::vector<timeline::Row> saw_tooth(std::size_t teeth) {
  std::mt19937_64 random(1);  // always the same: a failure can be repeated
  std::vector<timeline::Row> rows;
  std::uint64_t now_ns = 1'000;
  const auto add = [&](std::uint64_t usage) {
    now_ns += 1 + random() % 1'000;
    rows.push_back({now_ns, usage, 100 * kMiB, 200 * kMiB, 200 * kMiB - usage, timeline::Mark::sampled});
  };
  add(kBase);
  for (std::size_t i = 0; i < teeth; ++i) {
    add(kBase + kMiB / 2 + random() % (20 * kMiB));  // some of them below the threshold
    // Always lower than ever before: each tooth is decided by its own fall.
    add(kBase - 1 - i);
  }
  return rows;
}

// Teeth that stand on a slope: some are decided long after later ones.
std::vector<timeline::Row> random_walk(std::size_t steps) {
  std::mt19937_64 random(2);
  std::vector<timeline::Row> rows;
  std::uint64_t now_ns = 1'000;
  for (std::size_t i = 0; i < steps; ++i) {
    now_ns += 1 + random() % 1'000;
    const std::uint64_t usage = random() % (64 * kMiB);
    rows.push_back({now_ns, usage, 100 * kMiB, {}, decode::kNoHeadroom, timeline::Mark::sampled});
  }
  return rows;
}

report::Memcg build(const std::vector<timeline::Row>& rows, bool spilling) {
  Life memcg("/pod", kMiB);
  for (const timeline::Row& row : rows) {
    memcg.add_row(row, false);
    if (spilling) memcg.spill(kKeep, kMiB);
  }
  return memcg.build(kMiB);
}

void check_equal(const histogram::Histogram& a, const histogram::Histogram& b) {
  CHECK(a.count() == b.count());
  CHECK(a.min() == b.min());
  CHECK(a.max() == b.max());
  CHECK((a.buckets() == b.buckets()));
}

}  // namespace

TEST_CASE("spilling keeps the latest spikes, all totals and all histograms") {
  const auto rows = saw_tooth(3'000);
  const report::Memcg all = build(rows, false);
  const report::Memcg spilled = build(rows, true);
  REQUIRE(all.spikes.size() > 2'000);
  CHECK(all.spikes_total == all.spikes.size());
  CHECK(spilled.spikes_total == all.spikes_total);
  check_equal(spilled.histograms.prominence_bytes, all.histograms.prominence_bytes);
  check_equal(spilled.histograms.width_ns, all.histograms.width_ns);
  check_equal(spilled.histograms.rise_ns, all.histograms.rise_ns);
  check_equal(spilled.histograms.headroom_bytes, all.histograms.headroom_bytes);
}

TEST_CASE("spilling spikes that are decided in order keeps every interval") {
  // The detector hands out decided spikes late, in bulk: order is what the spill sorts by.
  std::vector<timeline::Row> rows;
  std::uint64_t now_ns = 0;
  const auto add = [&](std::uint64_t usage) {
    now_ns += 7 + rows.size() % 5;
    rows.push_back({now_ns, usage, 100 * kMiB, {}, decode::kNoHeadroom, timeline::Mark::sampled});
  };
  // Each peak is higher than the one before it, which that decides and hands out.
  for (std::uint64_t i = 0; i < 500; ++i) {
    add(kBase);
    add(kBase + kMiB + i);
  }
  const report::Memcg all = build(rows, false);
  const report::Memcg spilled = build(rows, true);
  REQUIRE(all.spikes.size() >= 499);
  CHECK(spilled.spikes.size() <= kKeep + 2);
  CHECK(spilled.spikes_total == all.spikes_total);
  check_equal(spilled.histograms.interval_ns, all.histograms.interval_ns);
  check_equal(spilled.histograms.width_ns, all.histograms.width_ns);
}

TEST_CASE("a spike that is decided late costs its interval, never its place in the others") {
  const auto rows = random_walk(20'000);
  const report::Memcg all = build(rows, false);
  const report::Memcg spilled = build(rows, true);
  REQUIRE(all.spikes.size() > 5'000);
  CHECK(spilled.spikes_total == all.spikes_total);
  CHECK(spilled.spikes.size() < all.spikes.size());
  check_equal(spilled.histograms.prominence_bytes, all.histograms.prominence_bytes);
  check_equal(spilled.histograms.width_ns, all.histograms.width_ns);
  check_equal(spilled.histograms.rise_ns, all.histograms.rise_ns);
  CHECK(spilled.histograms.interval_ns.count() <= all.histograms.interval_ns.count());
}

TEST_CASE("a late spike does not set back the clock that intervals are measured with") {
  Life memcg("/pod", kMiB);
  const auto row = [&](std::uint64_t time_ns, std::uint64_t usage_mib) {
    memcg.add_row({time_ns, usage_mib * kMiB, 100 * kMiB, {}, decode::kNoHeadroom, timeline::Mark::sampled},
                  false);
    memcg.spill(0, kMiB);
  };
  // The peak at 20 ns waits for a higher one (or the end) while those at 40 and 60 ns pass.
  row(10, 1);
  row(20, 50);
  row(30, 30);
  row(40, 35);
  row(50, 30);
  row(60, 45);
  row(70, 31);
  row(80, 60);
  row(90, 0);
  const report::Memcg built = memcg.build(kMiB);
  REQUIRE(built.spikes_total == 4);
  // 20 → 40 and 60 → 80 ns at most: no interval may span a spike.
  CHECK(built.histograms.interval_ns.max() <= 20);
}

TEST_CASE("spilling leaves alone what it need not touch, and drops what is below the threshold") {
  Life memcg("/pod", kMiB);
  const auto rows = saw_tooth(40);
  for (const timeline::Row& row : rows) memcg.add_row(row, false);
  memcg.finish();
  const std::size_t kept = memcg.kept_spikes();
  REQUIRE(kept > 10);
  memcg.spill(kept, kMiB);
  CHECK(memcg.kept_spikes() == kept);
  Life whole("/pod", kMiB);
  for (const timeline::Row& row : rows) whole.add_row(row, false);
  const std::uint64_t large = whole.build(15 * kMiB).spikes_total;
  CHECK(large > 0);
  CHECK(large < kept);
  memcg.spill(0, 15 * kMiB);
  CHECK(memcg.kept_spikes() == 0);
  CHECK(memcg.build(15 * kMiB).spikes_total == large);
}

TEST_CASE("the recording bounds the spikes of a long recording unless told to keep all") {
  constexpr std::uint64_t kSpikes = 60'000;
  constexpr std::size_t kMostKept = 16'384;
  for (const bool keep_all : {true, false}) {
    INFO("keep all: " << keep_all);
    lives::LifeOptions options;
    options.keep_all_spikes = keep_all;
    Recording recording = recording_of_pod(options);
    std::size_t most_kept = 0;
    for (std::uint64_t i = 0; i < kSpikes; ++i) {
      push_spike(recording, 100 * i, kBase, kBase + kMiB + i);
      most_kept = std::max(most_kept, recording.state(0).kept_spikes());
    }
    recording.close(100 * kSpikes);
    const report::Memcg memcg = recording.take().memcgs.at(0);
    CHECK(memcg.spikes_total == kSpikes);
    CHECK(memcg.histograms.prominence_bytes.count() == kSpikes);
    CHECK(memcg.histograms.interval_ns.count() == kSpikes - 1);
    CHECK(memcg.spikes.back().prominence_bytes == kMiB + kSpikes - 1);
    CHECK((memcg.spikes.size() == kSpikes) == keep_all);
    CHECK((most_kept <= kMostKept) == !keep_all);
  }
}

TEST_CASE("of many memcgs each keeps fewer spikes") {
  constexpr std::uint64_t kSpikes = 2'000;
  lives::LifeOptions options;
  options.keep_all_spikes = false;
  lives::LifeTable table(options);
  facts::MemcgFound found;
  for (facts::MemcgIndex index = 0; index < 1'000; ++index) {
    found.memcg = index;
    found.path = "/" + std::to_string(index);
    table.apply(found);
  }
  for (std::uint64_t i = 1; i < 2 * kSpikes; ++i) {
    const std::uint64_t usage = i % 2 == 0 ? kBase - i : kBase + 2 * kMiB + i;
    table.apply(facts::MemcgRow{7, {1'000 * i, usage, 100 * kMiB, {}, decode::kNoHeadroom, {}}});
  }
  table.apply(facts::RecordingEnded{3'000 * kSpikes});
  const report::Memcg memcg = table.take().memcgs.front();
  CHECK(memcg.spikes_total == kSpikes - 1);
  CHECK(memcg.spikes.size() <= 256);
  CHECK(memcg.spikes.size() >= 100);
}
