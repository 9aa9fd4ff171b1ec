// The last rise, found in timelines whose rises are known.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "timeline/rise.h"

using namespace memspike::timeline;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kBatch = 64 * 4096;
constexpr std::uint64_t kMs = 1'000'000;

using Rows = std::vector<UsageAt>;

// As a track has it: the counter stands, is last seen standing, and moves.
void step_to(Rows& rows, std::uint64_t time_ns, std::uint64_t bytes) {
  if (!rows.empty() && rows.back().time_ns + 1000 < time_ns) {
    rows.push_back({time_ns - 1000, rows.back().usage_bytes});
  }
  rows.push_back({time_ns, bytes});
}

// From where it is to `bytes`, evenly, one batch of the kernel at a time.
void ramp_to(Rows& rows, std::uint64_t bytes, std::uint64_t duration_ns) {
  const std::uint64_t start_ns = rows.back().time_ns;
  const std::uint64_t from = rows.back().usage_bytes;
  const std::uint64_t steps = (bytes - from) / kBatch;
  for (std::uint64_t i = 1; i <= steps; ++i) {
    step_to(rows, start_ns + duration_ns * i / steps, from + (bytes - from) * i / steps);
  }
}

void fall_to(Rows& rows, std::uint64_t bytes, std::uint64_t duration_ns) {
  step_to(rows, rows.back().time_ns + duration_ns, bytes);
}

// Wavers around where it is, by two batches.
void waver(Rows& rows, std::uint64_t duration_ns, std::uint64_t above = 2) {
  std::mt19937_64 random(7);
  const std::uint64_t end_ns = rows.back().time_ns + duration_ns;
  const std::uint64_t level = rows.back().usage_bytes - 2 * kBatch;
  while (rows.back().time_ns + 100'000 < end_ns) {
    step_to(rows, rows.back().time_ns + 50'000 + random() % 50'000, level + random() % (above + 3) * kBatch);
  }
  step_to(rows, end_ns, level + 2 * kBatch);
}

bool near(double value, double wanted, double share) {
  return value >= wanted * (1 - share) && value <= wanted * (1 + share);
}

}  // namespace

TEST_CASE("a clean rise is found with its slope") {
  for (const std::uint64_t duration_ns : {kMs / 5, 20 * kMs, 600 * kMs}) {
    Rows rows{{1000 * kMs, 38 * kMiB}};
    step_to(rows, 1300 * kMs, 38 * kMiB);
    ramp_to(rows, 50 * kMiB, duration_ns);
    const auto rise = final_rise(rows, kMiB);
    REQUIRE(rise);
    CHECK(rise->baseline.usage_bytes == 38 * kMiB + kBatch);  // the first move
    CHECK(rise->baseline.time_ns > 1300 * kMs);
    CHECK(rise->baseline.time_ns <= 1300 * kMs + duration_ns / 20);
    CHECK(rise->crest.usage_bytes == 50 * kMiB);
    CHECK(rise->crest.time_ns == rows.back().time_ns);
    const double wanted = static_cast<double>(12 * kMiB) * 1e9 / static_cast<double>(duration_ns);
    CHECK(near(static_cast<double>(*slope_bytes_per_second(*rise)), wanted, 0.03));
  }
}

TEST_CASE("a rise from a wavering floor to a long stay at the limit") {
  Rows rows{{0, 38 * kMiB}};
  waver(rows, 300 * kMs);
  ramp_to(rows, 50 * kMiB, 20 * kMs);
  waver(rows, 500 * kMs, 0);
  const auto rise = final_rise(rows, kMiB);
  REQUIRE(rise);
  CHECK(near(static_cast<double>(rise->baseline.time_ns), 300e6, 0.01));
  CHECK(near(static_cast<double>(rise->crest.time_ns - rise->baseline.time_ns), 20e6, 0.1));
  CHECK(near(static_cast<double>(*slope_bytes_per_second(*rise)), 600.0 * kMiB, 0.1));
}

TEST_CASE("a long stay just below the top is not part of the rise") {
  Rows rows{{0, 38 * kMiB}};
  step_to(rows, 5 * kMs, 38 * kMiB);
  ramp_to(rows, 50 * kMiB - kBatch, 5 * kMs);
  step_to(rows, 900 * kMs, 50 * kMiB);
  const auto rise = final_rise(rows, kMiB);
  REQUIRE(rise);
  CHECK(rise->crest.time_ns == 10 * kMs);
  CHECK(near(static_cast<double>(*slope_bytes_per_second(*rise)), 12.0 * kMiB / 5e-3, 0.15));
}

TEST_CASE("of several bursts the last one is meant, whatever they left behind") {
  Rows rows{{0, 38 * kMiB}};
  ramp_to(rows, 46 * kMiB, 10 * kMs);
  waver(rows, 100 * kMs, 0);
  fall_to(rows, 37 * kMiB, 2 * kMs);  // lower than ever after
  waver(rows, 100 * kMs);
  ramp_to(rows, 47 * kMiB, 10 * kMs);
  fall_to(rows, 38 * kMiB, 2 * kMs);
  waver(rows, 100 * kMs);
  const std::uint64_t leaves_ns = rows.back().time_ns;
  ramp_to(rows, 50 * kMiB, 30 * kMs);
  const auto rise = final_rise(rows, kMiB);
  REQUIRE(rise);
  CHECK(near(static_cast<double>(rise->baseline.time_ns), static_cast<double>(leaves_ns), 0.01));
  CHECK(near(static_cast<double>(*slope_bytes_per_second(*rise)), 400.0 * kMiB, 0.1));
}

TEST_CASE("usage that fell a little before the kill still rose") {
  Rows rows{{0, 10 * kMiB}};
  step_to(rows, 100 * kMs, 10 * kMiB);
  ramp_to(rows, 50 * kMiB, 40 * kMs);
  fall_to(rows, 45 * kMiB, kMs);
  const auto rise = final_rise(rows, kMiB);
  REQUIRE(rise);
  CHECK(rise->crest.usage_bytes == 50 * kMiB);
}

TEST_CASE("one step is a rise without a duration that could be told") {
  const Rows rows{{100, 38 * kMiB}, {190, 38 * kMiB}, {200, 38 * kMiB}, {200, 50 * kMiB}};
  const auto rise = final_rise(rows, kMiB);
  REQUIRE(rise);
  CHECK(rise->baseline.time_ns == 200);
  CHECK_FALSE(slope_bytes_per_second(*rise));
  const auto told = final_rise({{100, 38 * kMiB}, {200, 38 * kMiB}, {1'000'200, 50 * kMiB}}, kMiB);
  REQUIRE(told);
  CHECK(near(static_cast<double>(*slope_bytes_per_second(*told)), 12'000.0 * kMiB, 0.001));
}

TEST_CASE("where nothing rose enough there is no rise") {
  CHECK_FALSE(final_rise({}, kMiB));
  CHECK_FALSE(final_rise({{0, 50 * kMiB}}, kMiB));
  CHECK_FALSE(final_rise({{0, 50 * kMiB}, {10, 50 * kMiB}}, 0));
  Rows rows{{0, 50 * kMiB}};
  waver(rows, 100 * kMs, 0);
  CHECK_FALSE(final_rise(rows, kMiB));
  CHECK_FALSE(final_rise({{0, 50 * kMiB}, {10, 20 * kMiB}}, kMiB));  // it only fell
}

TEST_CASE("the ends of a rise are rows, in order, within a tenth of floor and top") {
  std::mt19937_64 random(31);
  std::size_t found = 0;
  for (int round = 0; round < 2000; ++round) {
    Rows rows;
    std::uint64_t time_ns = 0;
    std::uint64_t bytes = 50 * kMiB;
    for (std::size_t i = 0; i < 2 + random() % 200; ++i) {
      rows.push_back({time_ns, bytes});
      time_ns += random() % 1000;
      bytes = std::max<std::uint64_t>(20 * kMiB, bytes + random() % (4 * kMiB)) - random() % (4 * kMiB);
    }
    const auto rise = final_rise(rows, kMiB);
    if (!rise) continue;
    ++found;
    const auto baseline = std::find(rows.begin(), rows.end(), rise->baseline);
    REQUIRE(baseline != rows.end());
    const auto crest = std::find(baseline, rows.end(), rise->crest);
    REQUIRE(crest != rows.end());
    CHECK(rise->crest.usage_bytes > rise->baseline.usage_bytes);
    for (auto row = baseline; row != crest; ++row) {
      // Neither end is undercut or topped by more than the tenth on either side.
      const std::uint64_t height = rise->crest.usage_bytes - rise->baseline.usage_bytes;
      CHECK(row->usage_bytes + height / 8 + 1 >= rise->baseline.usage_bytes);
      CHECK(row->usage_bytes <= rise->crest.usage_bytes + height / 8 + 1);
    }
  }
  CHECK(found > 1000);
}
