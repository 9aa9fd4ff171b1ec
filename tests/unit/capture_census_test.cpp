// What counts as a spike in each memcg that lives: its own limit decides, or the nearest one above.
#include <catch2/catch.hpp>
#include <optional>

#include "capture/live/census.h"

using namespace memspike;
using namespace memspike::capture;

namespace {

constexpr std::uint64_t kMiB = 1U << 20;

void bear(Census& census, facts::MemcgIndex memcg, std::optional<facts::MemcgIndex> parent) {
  census.apply(facts::MemcgFound{memcg, 1, memcg, parent, "/" + std::to_string(memcg), {}});
}

void limit(Census& census, facts::MemcgIndex memcg, std::uint64_t time_ns, OptionalBytes limit_bytes) {
  census.see({memcg, time_ns, kMiB, kMiB, limit_bytes, true, 0});
}

}  // namespace

TEST_CASE("a small container decides what a rise is in itself, and in no other one") {
  Census census({});
  bear(census, 0, {});
  bear(census, 1, 0);
  bear(census, 2, 0);
  limit(census, 0, 10, 4096 * kMiB);
  limit(census, 1, 10, 40 * kMiB);
  limit(census, 2, 10, 2000 * kMiB);
  CHECK(census.find(0)->rise_bytes == 4096 * kMiB / 20);
  CHECK(census.find(1)->rise_bytes == 2 * kMiB);
  CHECK(census.find(2)->rise_bytes == 100 * kMiB);
}

TEST_CASE("a memcg without a limit is judged by the nearest one above it, from its birth on") {
  Census census({});
  bear(census, 0, {});
  limit(census, 0, 10, 400 * kMiB);
  bear(census, 1, 0);
  bear(census, 2, 1);
  CHECK(census.find(2)->rise_bytes == 20 * kMiB);
  limit(census, 0, 20, 800 * kMiB);
  census.judge_rises();
  CHECK(census.find(2)->rise_bytes == 40 * kMiB);
  limit(census, 2, 30, 100 * kMiB);  // one of its own, at once
  CHECK(census.find(2)->rise_bytes == 5 * kMiB);
  limit(census, 2, 40, {});
  CHECK(census.find(2)->rise_bytes == 40 * kMiB);
}

TEST_CASE("where no limit is, 1 MiB is a rise, and never less, but what was asked for holds for all") {
  Census census({});
  bear(census, 0, {});
  CHECK(census.find(0)->rise_bytes == kMiB);
  limit(census, 0, 10, 8 * kMiB);
  CHECK(census.find(0)->rise_bytes == kMiB);
  Census asked(64 << 10);
  bear(asked, 0, {});
  limit(asked, 0, 10, 400 * kMiB);
  CHECK(asked.find(0)->rise_bytes == 64 << 10);
  CHECK(asked.least_rise_bytes() == 64 << 10);
}

TEST_CASE("a row tells of a limit, too, and an old one of none") {
  Census census({});
  bear(census, 0, {});
  limit(census, 0, 100, 400 * kMiB);
  timeline::Row row;
  row.time_ns = 50;
  row.limit_bytes = 100 * kMiB;
  census.apply(facts::MemcgRow{0, row});
  CHECK(census.find(0)->rise_bytes == 20 * kMiB);
  row.time_ns = 150;
  census.apply(facts::MemcgRow{0, row});
  CHECK(census.find(0)->rise_bytes == 5 * kMiB);
}
