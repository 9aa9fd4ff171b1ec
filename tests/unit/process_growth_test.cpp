#include <catch2/catch.hpp>

#include "process/growth.h"

using memspike::process::Growth;
using memspike::process::Size;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;

}  // namespace

TEST_CASE("who grew is told from one reading to the next, and nothing at the first") {
  Growth growth;
  CHECK(growth.grown({{7, 10 * kMiB}, {8, 5 * kMiB}}, 15 * kMiB).empty());
  const auto grown = growth.grown({{7, 40 * kMiB}, {8, 4 * kMiB}, {9, 2 * kMiB}}, 48 * kMiB);
  REQUIRE(grown.size() == 2);
  CHECK(grown[0].tgid == 7);
  CHECK(grown[0].bytes == 30 * kMiB);
  CHECK(grown[1].tgid == 9);
  CHECK(grown[1].bytes == 2 * kMiB);
  CHECK(growth.grown({{7, 40 * kMiB}}, 48 * kMiB).empty());
}

TEST_CASE("processes that share pages do not grow by more than the memcg") {
  Growth growth;
  growth.grown({{7, 40 * kMiB}}, 40 * kMiB);
  const auto grown = growth.grown({{7, 44 * kMiB}, {8, 44 * kMiB}}, 44 * kMiB);  // a fork
  REQUIRE(grown.size() == 2);
  CHECK(grown[0].bytes + grown[1].bytes <= 4 * kMiB);
  CHECK(grown[0].bytes + grown[1].bytes > 4 * kMiB - 4096);
}

TEST_CASE("a rise that the known processes do not explain is found, and no note is taken of it") {
  Growth growth;
  growth.grown({{7, 10 * kMiB}}, 10 * kMiB);
  CHECK(growth.is_unexplained({{7, 11 * kMiB}}, 20 * kMiB));
  CHECK_FALSE(growth.is_unexplained({{7, 15 * kMiB}}, 20 * kMiB));
  CHECK_FALSE(growth.is_unexplained({{7, 9 * kMiB}}, 9 * kMiB));
  CHECK(growth.is_unexplained({}, 20 * kMiB));
  CHECK_FALSE(growth.is_unexplained({{7, 10 * kMiB}}, 10 * kMiB + kMiB / 4));
  const auto grown = growth.grown({{7, 11 * kMiB}, {8, 9 * kMiB}}, 20 * kMiB);
  REQUIRE(grown.size() == 2);
  CHECK(grown[1].bytes == 9 * kMiB);
}

TEST_CASE("where usage fell nobody grew it, whatever a process has more") {
  Growth growth;
  growth.grown({{7, 10 * kMiB}}, 50 * kMiB);
  CHECK(growth.grown({{7, 20 * kMiB}}, 30 * kMiB).empty());
  CHECK(growth.grown({{7, 25 * kMiB}}, 35 * kMiB).size() == 1);
}
