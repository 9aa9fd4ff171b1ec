#include <catch2/catch.hpp>
#include <vector>

#include "timeline/track.h"

using namespace memspike;
using namespace memspike::timeline;

namespace {

constexpr std::uint64_t kPage = 4096, kBatch = 64 * kPage, kMiB = 1 << 20;

decode::Level reading(std::uint64_t usage, std::uint64_t watermark, std::optional<std::uint64_t> limit = {},
                      std::uint64_t previous_look_ns = 0) {
  return {0, usage, watermark, limit, previous_look_ns};
}

struct Tracked {
  Track track{};
  std::vector<Row> rows{};

  Changes push(std::uint64_t time_ns, const decode::Level& level,
               std::uint64_t headroom = decode::kNoHeadroom) {
    return track.push(time_ns, level, headroom, rows);
  }
};

}  // namespace

TEST_CASE("the first reading is a row, whatever it says") {
  Tracked t;
  t.push(100, reading(5, 8, 50, 90), 45);
  REQUIRE(t.rows.size() == 1);
  const Row& row = t.rows[0];
  CHECK(row.time_ns == 100);
  CHECK(row.usage_bytes == 5);
  CHECK(row.watermark_bytes == 8);
  CHECK(row.limit_bytes == 50u);
  CHECK(row.headroom_bytes == 45);
  CHECK(row.mark == Mark::sampled);
}

TEST_CASE("usage above the watermark is of a charge that had not succeeded: clamped") {
  Tracked t;
  t.push(100, reading(60, 50, 50));
  CHECK(t.rows[0].usage_bytes == 50);
  t.push(200, reading(64, 50, 50));
  CHECK(t.rows.size() == 1);
}

TEST_CASE("a reading that says nothing new is no row") {
  Tracked t;
  t.push(100, reading(5, 8));
  const Changes changes = t.push(200, reading(5, 8, {}, 150));
  CHECK(t.rows.size() == 1);
  CHECK_FALSE(changes.limit_changed);
  CHECK_FALSE(changes.watermark_reset);
}

TEST_CASE("a peak between two readings is a row of its own, half way, exactly as high as the watermark") {
  Tracked t;
  t.push(100, reading(5, 8, 50));
  t.push(200, reading(6, 20, 50), 44);
  REQUIRE(t.rows.size() == 3);
  const Row& peak = t.rows[1];
  CHECK(peak.time_ns == 150);
  CHECK(peak.usage_bytes == 20);
  CHECK(peak.watermark_bytes == 20);
  CHECK(peak.mark == Mark::watermark);
  CHECK(peak.headroom_bytes == 30);  // its own limit's, not the reading's
  CHECK(t.rows[2].usage_bytes == 6);
  CHECK(t.rows[2].mark == Mark::sampled);
  CHECK(t.rows[2].headroom_bytes == 44);
}

TEST_CASE("a peak known from the watermark lies after the last look that saw nothing") {
  Tracked t;
  t.push(100, reading(5, 8));
  t.push(200, reading(6, 20, {}, 180));
  REQUIRE(t.rows.size() == 4);
  CHECK(t.rows[1].mark == Mark::held);
  CHECK(t.rows[1].time_ns == 180);
  CHECK(t.rows[2].mark == Mark::watermark);
  CHECK(t.rows[2].time_ns == 190);
}

TEST_CASE("a peak's headroom is never more than the chain left, nor below zero") {
  Tracked t;
  t.push(100, reading(5, 8, 50));
  t.push(200, reading(6, 20, 50), kMiB);  // it was an ancestor's, before its own was set
  CHECK(t.rows[1].headroom_bytes == 30);
  t.push(300, reading(6, 70, 50), 44);  // the limit was lowered below what had been reached
  CHECK(t.rows[3].usage_bytes == 70);
  CHECK(t.rows[3].headroom_bytes == 0);
}

// Where an ancestor leaves less than a batch, each page is tried as a batch first: added, refused, taken
// back.
TEST_CASE("batches that an ancestor refuses are one high at most, not a rise for every page") {
  Tracked t;
  constexpr std::uint64_t kFirst = 1000 * kPage, kPages = 60;
  t.push(100, reading(kFirst, kFirst), kPages * kPage);
  for (std::uint64_t page = 1; page <= kPages; ++page) {
    const std::uint64_t usage = kFirst + page * kPage;
    t.push(100 + page, reading(usage, usage - kPage + kBatch), (kPages - page) * kPage);
  }
  REQUIRE(t.rows.size() == 1 + kPages);
  for (std::size_t i = 1; i < t.rows.size(); ++i) {
    CHECK(t.rows[i].mark == Mark::sampled);
    CHECK(t.rows[i].usage_bytes == t.rows[i - 1].usage_bytes + kPage);
  }
  // The last of them is the kernel's maximum: a row, when usage comes away from it.
  const std::uint64_t top = kFirst + (kPages - 1) * kPage + kBatch;
  t.push(100 + kPages, reading(kFirst + kPages * kPage - kPage, top), kPage);
  t.push(100 + kPages, reading(kFirst + kPages * kPage, top), 0);
  REQUIRE(t.rows.size() == 1 + kPages + 2);
  t.push(500, reading(kFirst - 5 * kPage, top, {}, 400), kPages * kPage);
  REQUIRE(t.rows.size() == 1 + kPages + 2 + 4);
  const Row* const tail = &t.rows[1 + kPages + 2];
  CHECK(tail[0].usage_bytes == top);
  CHECK(tail[0].mark == Mark::refused);
  CHECK(tail[0].time_ns == 100 + kPages);
  CHECK(tail[1].usage_bytes == kFirst + kPages * kPage);
  CHECK(tail[1].time_ns == 100 + kPages);
  CHECK(tail[2].usage_bytes == kFirst + kPages * kPage);
  CHECK(tail[2].time_ns == 400);
  CHECK(tail[2].mark == Mark::held);
  CHECK(tail[3].usage_bytes == kFirst - 5 * kPage);
}

TEST_CASE("a batch is of the pages of the machine that was recorded") {
  constexpr std::uint64_t kLargePage = 16384;
  Tracked of_4k, of_16k{Track(kLargePage), {}};
  for (Tracked* t : {&of_4k, &of_16k}) {
    t->push(100, reading(10 * kMiB, 10 * kMiB), 2 * kMiB);
    t->push(200, reading(10 * kMiB + kLargePage, 10 * kMiB + 600 * 1024), 2 * kMiB);
  }
  CHECK(of_4k.rows.size() == 3);   // more than a batch, and there was room for it: it had been charged
  CHECK(of_16k.rows.size() == 2);  // less than a batch: as where an ancestor refuses it
}

TEST_CASE("a refused batch is told when the recording ends on it") {
  Tracked t;
  t.push(100, reading(10 * kMiB, 10 * kMiB), 2 * kMiB);
  t.push(200, reading(10 * kMiB + kPage, 13 * kMiB), 2 * kMiB);  // a huge page or more: no room for it
  REQUIRE(t.rows.size() == 2);
  t.track.close(300, t.rows);
  REQUIRE(t.rows.size() == 5);
  CHECK(t.rows[2].usage_bytes == 13 * kMiB);
  CHECK(t.rows[3].usage_bytes == 10 * kMiB + kPage);
  CHECK(t.rows[4].usage_bytes == 10 * kMiB + kPage);
  CHECK(t.rows[4].time_ns == 300);
}

TEST_CASE("near its own limit, or with room above, a high between two readings is a peak as ever") {
  Tracked own, room;
  own.push(100, reading(10 * kMiB, 10 * kMiB, 10 * kMiB + kBatch), kBatch);
  own.push(200, reading(10 * kMiB + kPage, 10 * kMiB + kBatch, 10 * kMiB + kBatch), kBatch - kPage);
  CHECK(own.rows.size() == 3);
  room.push(100, reading(10 * kMiB, 10 * kMiB), 8 * kMiB);
  room.push(200, reading(10 * kMiB + kPage, 12 * kMiB), 8 * kMiB - kPage);
  CHECK(room.rows.size() == 3);
}

TEST_CASE("a new high that the reading itself shows needs no extra row") {
  Tracked t;
  t.push(100, reading(5, 8));
  t.push(200, reading(20, 20));
  REQUIRE(t.rows.size() == 2);
  CHECK(t.rows[1].mark == Mark::sampled);
}

TEST_CASE("a watermark above the usage that is not new is no peak") {
  Tracked t;
  t.push(100, reading(5, 8));
  t.push(200, reading(6, 8));
  REQUIRE(t.rows.size() == 2);
  CHECK(t.rows[1].mark == Mark::sampled);
}

TEST_CASE("a counter that was quiet and then moved has a row for when it was last seen quiet") {
  Tracked t;
  t.push(100, reading(5, 8, 50), 45);
  t.push(1000, reading(8, 8, 50, 990), 42);
  REQUIRE(t.rows.size() == 3);
  const Row& held = t.rows[1];
  CHECK(held.time_ns == 990);
  CHECK(held.usage_bytes == 5);
  CHECK(held.watermark_bytes == 8);
  CHECK(held.headroom_bytes == 45);
  CHECK(held.mark == Mark::held);
}

TEST_CASE("a look that is not between the two rows adds none, or none after the second") {
  Tracked t;
  t.push(100, reading(5, 8));
  t.push(200, reading(6, 8, {}, 100));  // the last look is the last row
  CHECK(t.rows.size() == 2);
  t.push(300, reading(7, 8, {}, 50));  // stale
  CHECK(t.rows.size() == 3);
  t.push(400, reading(5, 8, {}, 999));  // of the future: another CPU's clock
  REQUIRE(t.rows.size() == 5);
  CHECK(t.rows[3].mark == Mark::held);
  CHECK(t.rows[3].time_ns == 400);
  CHECK(t.rows[4].time_ns == 400);
}

TEST_CASE("a changed limit is a row and is told") {
  Tracked t;
  t.push(100, reading(5, 8, 50), 45);
  CHECK(t.push(200, reading(5, 8, 60), 55).limit_changed);
  REQUIRE(t.rows.size() == 2);
  CHECK(t.rows[1].limit_bytes == 60u);
  CHECK(t.rows[1].headroom_bytes == 55);
  CHECK(t.push(300, reading(5, 8)).limit_changed);  // taken away
  CHECK_FALSE(t.rows[2].limit_bytes);
  CHECK(t.push(400, reading(5, 8, 60)).limit_changed);
  CHECK_FALSE(t.push(500, reading(5, 8, 60)).limit_changed);
  CHECK(t.rows.size() == 4);
}

TEST_CASE("a watermark that fell was reset by somebody: told, and peaks count from there") {
  Tracked t;
  t.push(100, reading(5, 30));
  CHECK(t.push(200, reading(5, 5)).watermark_reset);
  REQUIRE(t.rows.size() == 2);
  CHECK(t.rows[1].watermark_bytes == 5);
  const Changes changes = t.push(300, reading(5, 12));
  CHECK_FALSE(changes.watermark_reset);
  REQUIRE(t.rows.size() == 4);
  CHECK(t.rows[2].mark == Mark::watermark);
  CHECK(t.rows[2].usage_bytes == 12);
}

TEST_CASE("time never runs backwards") {
  Tracked t;
  t.push(200, reading(5, 8));
  t.push(150, reading(6, 20));
  REQUIRE(t.rows.size() == 3);
  for (const Row& row : t.rows) CHECK(row.time_ns == 200);
}

TEST_CASE("the end is a row with the last values, unless there is one of that time") {
  Tracked t;
  t.track.close(50, t.rows);
  CHECK(t.rows.empty());
  t.push(100, reading(5, 8, 50), 45);
  t.track.close(100, t.rows);
  CHECK(t.rows.size() == 1);
  t.track.close(500, t.rows);
  REQUIRE(t.rows.size() == 2);
  CHECK(t.rows[1].time_ns == 500);
  CHECK(t.rows[1].usage_bytes == 5);
  CHECK(t.rows[1].headroom_bytes == 45);
  CHECK(t.rows[1].mark == Mark::held);
}
