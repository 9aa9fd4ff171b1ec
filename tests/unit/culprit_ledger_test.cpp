// Who made usage rise: by run, in bounded memory.
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <vector>

#include "culprit/ledger.h"
#include "spike/detector.h"

using namespace memspike;
using culprit::Ledger;
using culprit::Rise;

namespace {

std::uint64_t share_of(const Rise& rise, std::uint32_t thread) {
  for (const culprit::Share& share : rise.shares) {
    if (share.thread == thread) return share.bytes;
  }
  return 0;
}

std::uint64_t sum(const Rise& rise) {
  std::uint64_t bytes = rise.other_bytes + rise.unattributed_bytes;
  for (const culprit::Share& share : rise.shares) bytes += share.bytes;
  return bytes;
}

void rise_by(Ledger& ledger, std::uint64_t time_ns, std::uint64_t usage, std::uint32_t thread) {
  ledger.attribute(thread, ledger.add_row(time_ns, usage));
}

}  // namespace

TEST_CASE("a rise is its thread's, and falls are nobody's") {
  Ledger ledger;
  CHECK(ledger.add_row(10, 100) == 0);  // where the recording began: no rise
  rise_by(ledger, 20, 150, 1);
  rise_by(ledger, 30, 400, 2);
  CHECK(ledger.add_row(40, 300) == 0);
  const Rise rise = ledger.between(10, 30, 8);
  REQUIRE(rise.shares.size() == 2);
  CHECK(rise.shares[0].thread == 2);
  CHECK(rise.shares[0].bytes == 250);
  CHECK(share_of(rise, 1) == 50);
  CHECK(rise.unattributed_bytes == 0);
}

TEST_CASE("what was allocated belongs to the run in which it was told, and adds up when runs are joined") {
  Ledger ledger({16, 4});
  ledger.add_allocated({1, 1, 1});  // before any rise: nowhere to put it
  std::uint64_t time_ns = 10;
  ledger.add_row(time_ns, 100);
  for (int i = 0; i < 100; ++i) {
    rise_by(ledger, time_ns += 10, 200, 1);
    ledger.add_allocated({3, 2, 1});
    ledger.add_row(time_ns += 10, 100);
    ledger.add_allocated({0, 0, 1});  // told a moment after the fall
  }
  CHECK(ledger.between(0, time_ns, 8).allocated == composition::Allocated{300, 200, 200});
  CHECK(ledger.between(time_ns - 20, time_ns - 10, 8).allocated == composition::Allocated{3, 2, 2});
}

TEST_CASE("what is before the base or after the peak is not counted") {
  Ledger ledger;
  ledger.add_row(10, 100);
  rise_by(ledger, 20, 200, 1);  // an earlier spike
  ledger.add_row(30, 100);
  rise_by(ledger, 40, 300, 2);  // this one: from 30 to 40
  ledger.add_row(50, 250);
  rise_by(ledger, 60, 280, 3);  // a later one
  const Rise own = ledger.between(30, 40, 8);
  REQUIRE(own.shares.size() == 1);
  CHECK(own.shares[0].thread == 2);
  const Rise all = ledger.between(10, 60, 8);
  CHECK(all.shares.size() == 3);
  CHECK(sum(all) == 100 + 200 + 30);
}

TEST_CASE("rises that no thread was seen to make are shown as such") {
  Ledger ledger;
  ledger.add_row(10, 0);
  rise_by(ledger, 20, 60, 1);
  ledger.add_row(30, 100);  // the sweep saw it
  const Rise rise = ledger.between(10, 30, 8);
  CHECK(share_of(rise, 1) == 60);
  CHECK(rise.unattributed_bytes == 40);
}

TEST_CASE("what a child charged may be told to its parent after the rise, even after a fall") {
  Ledger parent;
  parent.add_row(10, 0);
  parent.add_row(20, 64);
  parent.add_row(30, 50);
  parent.attribute(7, 64);
  const Rise rise = parent.between(10, 20, 8);
  CHECK(share_of(rise, 7) == 64);
  CHECK(rise.unattributed_bytes == 0);
  Ledger empty;
  empty.attribute(7, 64);  // nothing rose yet: nothing to attribute
  CHECK(empty.between(0, 100, 8).shares.empty());
}

TEST_CASE("only the largest shares are named, the rest is summed") {
  Ledger ledger;
  ledger.add_row(1, 0);
  for (std::uint32_t i = 1; i <= 20; ++i) rise_by(ledger, 1 + i, i * (i + 1) / 2, i);
  const Rise rise = ledger.between(1, 21, 3);
  REQUIRE(rise.shares.size() == 3);
  CHECK(rise.shares[0].thread == 20);
  CHECK(rise.shares[2].thread == 18);
  CHECK(rise.other_bytes == 17 * 18 / 2);
  CHECK(rise.unattributed_bytes == 0);
}

TEST_CASE("a storm of short-lived threads is bounded and loses no byte") {
  Ledger ledger({256, 16});
  ledger.add_row(0, 0);
  std::uint64_t usage = 0;
  for (std::uint32_t i = 1; i <= 100'000; ++i) rise_by(ledger, i, usage += 64, i);
  rise_by(ledger, 100'001, usage += 1'000'000, 5);
  CHECK(ledger.entries() <= 18);
  const Rise rise = ledger.between(0, 100'001, 8);
  CHECK(rise.shares[0].thread == 5);
  CHECK(sum(rise) == usage);
  CHECK(rise.unattributed_bytes == 0);
}

TEST_CASE("beyond its bound the old is known in coarser steps, the latest exactly") {
  Ledger ledger({128, 16});
  ledger.add_row(0, 0);
  std::uint64_t charged = 0;
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    rise_by(ledger, 10 * i + 5, 100 + i, i % 3);
    charged += 100 + i;
    ledger.add_row(10 * i + 10, 0);
    CHECK(ledger.entries() <= 128);
  }
  CHECK(sum(ledger.between(0, 100'000, 8)) == charged);
  const Rise last = ledger.between(99'990, 99'995, 8);
  REQUIRE(last.shares.size() == 1);
  CHECK(last.shares[0].bytes == 100 + 9'999);
}

TEST_CASE("for every spike of a random walk the shares add up to all of its rises") {
  std::mt19937 random(4);
  Ledger ledger;
  spike::Detector detector(50);
  std::vector<spike::Spike> spikes;
  struct Row {
    std::uint64_t time_ns, usage;
    std::uint32_t thread;
  };
  std::vector<Row> rows;
  std::uint64_t usage = 500;
  for (std::uint64_t t = 1; t <= 1'500; ++t) {
    const std::uint64_t step = random() % 40;
    usage = random() % 2 == 0 ? usage + step : usage - std::min(usage, step);
    rows.push_back({t, usage, static_cast<std::uint32_t>(random() % 4)});
  }
  for (const Row& row : rows) {
    rise_by(ledger, row.time_ns, row.usage, row.thread);
    detector.push({row.time_ns, row.usage, spike::kNoHeadroom}, spikes);
  }
  detector.finish(spikes);
  REQUIRE(spikes.size() > 10);
  for (const spike::Spike& spike : spikes) {
    std::map<std::uint32_t, std::uint64_t> expected;
    for (std::size_t i = 1; i < rows.size(); ++i) {
      if (rows[i].time_ns <= spike.left_base_ns || rows[i].time_ns > spike.peak_ns) continue;
      if (rows[i].usage > rows[i - 1].usage) expected[rows[i].thread] += rows[i].usage - rows[i - 1].usage;
    }
    const Rise rise = ledger.between(spike.left_base_ns, spike.peak_ns, 8);
    INFO(spike.left_base_ns << " to " << spike.peak_ns);
    CHECK(rise.shares.size() == expected.size());
    for (const auto& [thread, bytes] : expected) CHECK(share_of(rise, thread) == bytes);
    CHECK(sum(rise) >= spike.prominence_bytes);
  }
}
