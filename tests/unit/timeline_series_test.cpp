// A timeline in few bytes: what goes in comes out, and how few they are.
#include <catch2/catch.hpp>
#include <cstdint>
#include <random>
#include <vector>

#include "base/inline_vector.h"
#include "base/varint.h"
#include "timeline/series.h"

using memspike::timeline::Series;

namespace {

using Rows = std::vector<Series::Row>;

constexpr std::uint64_t kHighest = ~std::uint64_t{0};

Series series_of(const Rows& rows) {
  Series series;
  for (const auto& [time_ns, usage_bytes] : rows) series.emplace_back(time_ns, usage_bytes);
  return series;
}

void check_back(const Rows& rows) {
  const Series series = series_of(rows);
  CHECK(series.size() == rows.size());
  CHECK(series.empty() == rows.empty());
  CHECK(Rows(series.begin(), series.end()) == rows);
  if (!rows.empty()) CHECK(series.front() == rows.front());
  const Series copy = series;  // NOLINT(performance-unnecessary-copy-initialization): it is what is tested
  CHECK(Rows(copy.begin(), copy.end()) == rows);
}

}  // namespace

TEST_CASE("a series gives back the rows that it was given") {
  check_back({});
  check_back({{0, 0}});
  check_back({{kHighest, kHighest}, {0, 0}, {kHighest, 1}, {kHighest / 2, kHighest / 2 + 1}});
  std::mt19937_64 random(1);
  for (int round = 0; round < 20; ++round) {
    Rows rows;
    for (std::size_t i = random() % 5000; i-- > 0;)
      rows.emplace_back(random() >> random() % 64, random() >> random() % 64);
    check_back(rows);
  }
}

TEST_CASE("series are equal when their rows are") {
  const Rows rows{{1, 4096}, {5, 8192}};
  CHECK(series_of(rows) == Series{{1, 4096}, {5, 8192}});
  CHECK_FALSE(series_of(rows) == Series{{1, 4096}, {5, 4096}});
  CHECK_FALSE(series_of(rows) == Series{{1, 4096}});
  Series cleared = series_of(rows);
  cleared.clear();
  CHECK(cleared == Series{});
  cleared.emplace_back(7, 3);
  CHECK(cleared == Series{{7, 3}});
}

TEST_CASE("numbers take as many bytes as they need") {
  for (const auto& [value, bytes] : {std::pair<std::uint64_t, std::size_t>{0, 1},
                                     {127, 1},
                                     {128, 2},
                                     {16'383, 2},
                                     {16'384, 3},
                                     {kHighest, memspike::kMaxVarintBytes}}) {
    std::string text = "x";
    memspike::append_varint(text, value);
    CHECK(text.size() == 1 + bytes);
    std::size_t at = 1;
    CHECK(memspike::take_varint(text, at) == value);
    CHECK(at == text.size());
  }
  CHECK(memspike::zigzag(5, 5) == 0);
  CHECK(memspike::zigzag(5, 4) == 1);
  CHECK(memspike::zigzag(5, 6) == 2);
}

TEST_CASE("an inline vector holds copies of what was put into it, and no more") {
  memspike::InlineVector<int, 3> some;
  CHECK(some.empty());
  for (const int value : {1, 2, 3}) some.push_back(value);
  const memspike::InlineVector<int, 3> copy = some;
  some[0] = 7;
  CHECK(std::vector<int>(copy.begin(), copy.end()) == std::vector<int>{1, 2, 3});
  memspike::InlineVector<int, 3> fewer;
  fewer.push_back(9);
  some = fewer;
  CHECK(std::vector<int>(some.begin(), some.end()) == std::vector<int>{9});
}

TEST_CASE("an inline vector takes more than a few, too") {
  memspike::InlineVector<int, 3> many;
  for (const int value : {1, 2, 3, 4, 5}) many.push_back(value);
  memspike::InlineVector<int, 3> copy = many;
  many[4] = 7;
  CHECK(std::vector<int>(copy.begin(), copy.end()) == std::vector<int>{1, 2, 3, 4, 5});
  CHECK(std::vector<int>(many.begin(), many.end()) == std::vector<int>{1, 2, 3, 4, 7});
  memspike::InlineVector<int, 3> few;
  few.push_back(9);
  copy = few;
  copy.push_back(8);
  CHECK(std::vector<int>(copy.begin(), copy.end()) == std::vector<int>{9, 8});
}
