// The latest rows: bounded, thinned without losing an extreme.
#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <utility>
#include <vector>

#include "timeline/recent.h"

using memspike::timeline::Recent;
using memspike::timeline::UsageAt;

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

using Rows = std::vector<UsageAt>;

Rows random_rows(std::mt19937_64& random, std::size_t count, std::uint64_t step_ns) {
  Rows rows;
  std::uint64_t time_ns = 5 * kSecond;
  for (std::size_t i = 0; i < count; ++i) {
    rows.push_back({time_ns, random() >> 40});
    time_ns += 1 + random() % (2 * step_ns);
  }
  return rows;
}

bool by_usage(const UsageAt& a, const UsageAt& b) { return a.usage_bytes < b.usage_bytes; }

bool is_part_of(Rows part, const Rows& whole) {
  const auto by_time = [](const UsageAt& a, const UsageAt& b) {
    return std::pair(a.time_ns, a.usage_bytes) < std::pair(b.time_ns, b.usage_bytes);
  };
  return std::includes(whole.begin(), whole.end(), part.begin(), part.end(), by_time);
}

// Lowest and highest usage of each cell that lies in the window as a whole.
std::map<std::uint64_t, std::pair<std::uint64_t, std::uint64_t>> extremes_by_cell(const Rows& rows,
                                                                                  std::uint64_t cell_ns,
                                                                                  std::uint64_t begin_ns) {
  std::map<std::uint64_t, std::pair<std::uint64_t, std::uint64_t>> cells;
  for (const UsageAt& row : rows) {
    if (row.time_ns / cell_ns * cell_ns < begin_ns) continue;
    const auto [cell, is_new] =
        cells.emplace(row.time_ns / cell_ns, std::pair(row.usage_bytes, row.usage_bytes));
    cell->second.first = std::min(cell->second.first, row.usage_bytes);
    cell->second.second = std::max(cell->second.second, row.usage_bytes);
  }
  return cells;
}

Recent filled(const Rows& rows, std::uint64_t window_ns, std::size_t capacity) {
  Recent recent(window_ns, capacity);
  for (const UsageAt& row : rows) {
    recent.push(row.time_ns, row.usage_bytes);
    REQUIRE(recent.size() <= capacity);
  }
  return recent;
}

}  // namespace

TEST_CASE("few rows are all kept, from the one that held when the window began") {
  Recent recent(100);
  recent.push(1000, 1);
  recent.push(1050, 2);
  recent.push(1090, 3);
  recent.push(1160, 4);
  CHECK(recent.window(1160) == Rows{{1060, 2}, {1090, 3}, {1160, 4}});
  CHECK(recent.window(1200) == Rows{{1100, 3}, {1160, 4}});
  CHECK(recent.window(5000) == Rows{{4900, 4}});
  CHECK(recent.window(1090) == Rows{{1000, 1}, {1050, 2}, {1090, 3}, {1160, 4}});
  CHECK(Recent(100).window(7).empty());
}

TEST_CASE("a window longer than the recording has all of it") {
  Recent recent(kSecond);
  recent.push(5, 1);
  CHECK(recent.window(10) == Rows{{5, 1}});
}

TEST_CASE("more rows than there is room for: extremes, first and newest rows stay") {
  std::mt19937_64 random(4711);
  for (int round = 0; round < 200; ++round) {
    const std::size_t capacity = 16 + random() % 300;
    const Rows rows = random_rows(random, capacity * (1 + random() % 40), 50);
    const Recent recent = filled(rows, 100 * kSecond, capacity);
    const Rows kept = recent.window(rows.back().time_ns);
    INFO("round " << round << ", " << kept.size() << " of " << rows.size() << ", capacity " << capacity);
    CHECK(is_part_of(kept, rows));
    CHECK(kept.front() == rows.front());
    CHECK(std::max_element(kept.begin(), kept.end(), by_usage)->usage_bytes ==
          std::max_element(rows.begin(), rows.end(), by_usage)->usage_bytes);
    CHECK(std::min_element(kept.begin(), kept.end(), by_usage)->usage_bytes ==
          std::min_element(rows.begin(), rows.end(), by_usage)->usage_bytes);
    const auto newest = static_cast<std::ptrdiff_t>(std::min(kept.size(), capacity / 8));
    CHECK(std::equal(kept.end() - newest, kept.end(), rows.end() - newest));
  }
}

TEST_CASE("a window that moves on stays within its bounds and reaches back as far as it should") {
  std::mt19937_64 random(99);
  for (int round = 0; round < 50; ++round) {
    const std::uint64_t step_ns = 1 + random() % 2'000'000;
    const Rows rows = random_rows(random, 20'000, step_ns);
    const std::uint64_t end_ns = rows.back().time_ns;
    const Recent recent = filled(rows, kSecond, 256);
    const Rows kept = recent.window(end_ns);
    INFO("round " << round << ", step " << step_ns);
    CHECK(kept.size() <= 256);
    if (end_ns - rows.front().time_ns > kSecond) {
      REQUIRE(kept.front().time_ns == end_ns - kSecond);
    }
    CHECK(is_part_of(Rows(kept.begin() + 1, kept.end()), rows));
    CHECK(extremes_by_cell(kept, recent.cell_ns(), end_ns - kSecond) ==
          extremes_by_cell(rows, recent.cell_ns(), end_ns - kSecond));
  }
}

TEST_CASE("thinning keeps the end of a floor and the beginning of a top") {
  Rows rows;
  for (std::uint64_t i = 0; i < 400; ++i) rows.push_back({i * 10, i < 202 ? 10U : 90U});
  const Rows kept = filled(rows, 4000, 100).window(3990);
  CHECK(kept.size() <= 100);
  CHECK(std::find(kept.begin(), kept.end(), UsageAt{2010, 10}) != kept.end());
  CHECK(std::find(kept.begin(), kept.end(), UsageAt{2020, 90}) != kept.end());
}
