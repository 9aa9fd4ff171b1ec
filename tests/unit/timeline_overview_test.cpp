// The overview against brute force over all rows.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <utility>
#include <vector>

#include "timeline/overview.h"

using memspike::timeline::Overview;

namespace {

using Rows = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

Overview overview_of(const Rows& rows) {
  Overview overview;
  for (const auto& [time_ns, bytes] : rows) overview.push(time_ns, bytes);
  return overview;
}

// What a bucket must be: all rows within, and the one before that still held.
Overview::Bucket expected(const Rows& rows, std::uint64_t begin_ns, std::uint64_t end_ns) {
  const auto before = [](const auto& row, std::uint64_t time_ns) { return row.first < time_ns; };
  const auto first = std::lower_bound(rows.begin(), rows.end(), begin_ns, before);
  const auto last = std::lower_bound(rows.begin(), rows.end(), end_ns, before);
  const std::uint64_t held = first == rows.begin() ? first->second : (first - 1)->second;
  Overview::Bucket bucket{held, held};
  for (auto row = first; row != last; ++row) {
    bucket.min_bytes = std::min(bucket.min_bytes, row->second);
    bucket.max_bytes = std::max(bucket.max_bytes, row->second);
  }
  return bucket;
}

void check(const Overview& overview, const Rows& rows) {
  REQUIRE_FALSE(overview.empty());
  CHECK(overview.start_ns() == rows.front().first);
  CHECK(overview.last_ns() == rows.back().first);
  CHECK(overview.buckets().size() == (overview.last_ns() - overview.start_ns()) / overview.width_ns() + 1);
  std::uint64_t begin_ns = overview.start_ns();
  for (const Overview::Bucket& bucket : overview.buckets()) {
    const Overview::Bucket wanted = expected(rows, begin_ns, begin_ns + overview.width_ns());
    if (!(bucket == wanted)) FAIL("the bucket at " << begin_ns << " of " << overview.width_ns() << " ns");
    begin_ns += overview.width_ns();
  }
}

// Bursts of rows nanoseconds apart, and silences up to days.
Rows random_rows(std::mt19937_64& random, std::size_t count, unsigned silence_bits) {
  Rows rows;
  std::uint64_t time_ns = random() >> 20;
  for (std::size_t i = 0; i < count; ++i) {
    rows.emplace_back(time_ns, random() >> (24 + random() % 40));
    const unsigned bits = random() % 20 == 0 ? silence_bits : static_cast<unsigned>(random() % 12);
    time_ns += random() % (std::uint64_t{1} << bits);
  }
  return rows;
}

}  // namespace

TEST_CASE("an overview is exact in every bucket, whatever the rows") {
  std::mt19937_64 random(4711);
  for (int round = 0; round < 300; ++round) {
    const Rows rows = random_rows(random, 1 + random() % 3000, static_cast<unsigned>(random() % 50));
    INFO("round " << round);
    check(overview_of(rows), rows);
  }
}

TEST_CASE("an overview keeps within its buckets, and uses at least half of them") {
  std::mt19937_64 random(42);
  Overview overview;
  std::uint64_t time_ns = 0;
  for (int i = 0; i < 100'000; ++i) {
    overview.push(time_ns, i == 77 ? 1'000'000 : 7);
    time_ns += random() % 1'000'000;
    REQUIRE(overview.buckets().size() <= Overview::kBuckets);
    if (overview.width_ns() > 1) REQUIRE(overview.buckets().size() > Overview::kBuckets / 2);
  }
  std::size_t peaks = 0;
  for (const auto& bucket : overview.buckets()) peaks += bucket.max_bytes == 1'000'000 ? 1 : 0;
  CHECK(peaks == 1);
}

TEST_CASE("an overview may be made coarser at any time, and stays exact") {
  std::mt19937_64 random(815);
  for (int round = 0; round < 100; ++round) {
    const Rows rows = random_rows(random, 400, 40);
    Overview overview;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (i == 200) overview.coarsen(1 + random() % 64);
      overview.push(rows[i].first, rows[i].second);
    }
    CHECK(overview.buckets().size() <= 64);
    check(overview, rows);
  }
}

TEST_CASE("the ends of an overview: nothing, one row, rows of one time, the longest time there is") {
  CHECK(Overview().empty());
  check(overview_of({{5, 7}}), {{5, 7}});
  const Overview same = overview_of({{5, 7}, {5, 9}, {5, 8}});
  REQUIRE(same.buckets().size() == 1);
  CHECK(same.buckets()[0] == Overview::Bucket{7, 9});
  const Overview longest = overview_of({{0, 1}, {~std::uint64_t{0}, 2}});
  CHECK(longest.buckets().back() == Overview::Bucket{1, 2});
  CHECK(longest.buckets().size() == Overview::kBuckets);
}

TEST_CASE("time that runs backwards stands still for an overview") {
  const Overview overview = overview_of({{100, 1}, {110, 5}, {90, 9}});
  CHECK(overview.last_ns() == 110);
  CHECK(overview.buckets().back() == Overview::Bucket{1, 9});
}
