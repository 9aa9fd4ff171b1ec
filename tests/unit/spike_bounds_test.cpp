// Memory stays bounded on recordings of any length, and what that costs in exactness is no
// more than Limits says.
#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <random>

#include "spike/plateau.h"
#include "spike_series.h"

using namespace memspike::spike;
using namespace spike_series;

namespace {

constexpr std::uint64_t kPage = 4096;
constexpr std::size_t kBudgetBytes = 12u << 20;

struct Outcomes {
  std::size_t spikes = 0;
  std::size_t peak_memory_bytes = 0;
  std::size_t wrong_prominence = 0;
};

// Streams rows without keeping them. `prominence`: 0 accepts any.
Outcomes stream(std::size_t rows, std::uint64_t prominence,
                const std::function<std::uint64_t(std::size_t)>& usage_bytes) {
  Detector detector(kPage);
  std::vector<Spike> spikes;
  Outcomes result;
  const auto drain = [&] {
    result.spikes += spikes.size();
    for (const Spike& spike : spikes) {
      result.wrong_prominence += prominence != 0 && spike.prominence_bytes != prominence ? 1 : 0;
    }
    spikes.clear();
    result.peak_memory_bytes = std::max(result.peak_memory_bytes, detector.memory_bytes());
  };
  for (std::size_t i = 0; i < rows; ++i) {
    detector.push({1'000'000 + i * 1000, usage_bytes(i)}, spikes);
    if (i % 1000 == 0) drain();
  }
  detector.finish(spikes);
  drain();
  return result;
}

std::map<std::uint64_t, Spike> by_time(const std::vector<Spike>& spikes) {
  std::map<std::uint64_t, Spike> result;
  for (const Spike& spike : spikes) result[spike.peak_ns] = spike;
  return result;
}

bool within(std::uint64_t a, std::uint64_t b, std::uint64_t distance) {
  return (a > b ? a - b : b - a) <= distance;
}

std::vector<Point> noisy_series(std::mt19937_64& random, std::size_t length) {
  std::vector<Point> points;
  std::int64_t value = 500;
  for (std::size_t i = 0; i < length; ++i) {
    value += static_cast<std::int64_t>(random() % 101) - 50;
    value = std::clamp<std::int64_t>(value, 0, 1000);
    points.push_back({at(i), static_cast<std::uint64_t>(value)});
  }
  return points;
}

}  // namespace

TEST_CASE("spikes: two million spikes of exactly one height do not pile up") {
  const auto result = stream(4'000'001, 12'800 * kPage, [](std::size_t i) { return i % 2 * 12'800 * kPage; });
  CHECK(result.spikes == 2'000'000);
  CHECK(result.wrong_prominence == 0);
  CHECK(result.peak_memory_bytes < kBudgetBytes);
}

TEST_CASE("spikes: a dwelling at the limit with dips of a page does not pile up") {
  const auto result = stream(
      2'000'001, 0, [](std::size_t i) { return i == 0 || i == 2'000'000 ? 0 : (12'800 - (i % 2)) * kPage; });
  CHECK(result.spikes >= 1);
  CHECK(result.peak_memory_bytes < kBudgetBytes);
}

TEST_CASE("spikes: sawtooths, oscillations, ramps and flat stretches stay bounded") {
  const std::uint64_t high = std::uint64_t{1} << 50;
  const auto shape = GENERATE_COPY(
      std::function<std::uint64_t(std::size_t)>(
          [=](std::size_t i) { return high - i * kPage + i % 2 * 99 * kPage; }),
      std::function<std::uint64_t(std::size_t)>(
          [=](std::size_t i) { return i * kPage + i % 2 * 99 * kPage; }),
      std::function<std::uint64_t(std::size_t)>(
          [=](std::size_t i) { return i % 2 == 0 ? i * kPage : high - i * kPage; }),
      std::function<std::uint64_t(std::size_t)>([=](std::size_t i) { return i % 2 == 0 ? i * kPage : high; }),
      std::function<std::uint64_t(std::size_t)>(
          [=](std::size_t i) { return i % 2 == 0 ? high - i * kPage : high + i * kPage; }),
      std::function<std::uint64_t(std::size_t)>(
          [](std::size_t i) { return std::min(i, 1'000'000 - i) * kPage; }),
      std::function<std::uint64_t(std::size_t)>([](std::size_t i) { return i == 0 ? 0 : kPage; }),
      // Falls in fine steps to ever new lows, back to one height each time.
      std::function<std::uint64_t(std::size_t)>(
          [=](std::size_t i) { return i == 0 ? 0 : high - (i % 1000) * (1000 + i / 1000) * kPage; }));
  const auto result = stream(1'000'001, 0, shape);
  CHECK(result.spikes >= 1);
  CHECK(result.peak_memory_bytes < kBudgetBytes);
}

TEST_CASE("spikes: a million kills on one rise stay bounded, and the last of them counts") {
  Detector detector(1);
  std::vector<Spike> spikes;
  detector.push({0, 0}, spikes);
  for (std::uint64_t i = 1; i <= 1'000'000; ++i) {
    detector.note_kill(i * 10);
    detector.push({i * 10, i}, spikes);
  }
  detector.push({10'000'010, 0}, spikes);
  detector.finish(spikes);
  REQUIRE(spikes.size() == 1);
  CHECK(spikes[0].outcome == Outcome::oom_kill);
  CHECK(detector.memory_bytes() < kBudgetBytes);
}

TEST_CASE("spikes: kills are forgotten only when no spike can contain them") {
  Limits limits;
  limits.kills = 4;
  Detector detector(1, limits);
  std::vector<Spike> spikes;
  std::mt19937_64 random(3);
  std::vector<bool> killed;
  for (std::uint64_t i = 0; i < 5000; ++i) {  // ever higher, so that none stays pending
    detector.push({at(2 * i), 0}, spikes);
    detector.push({at(2 * i + 1), 10 + i}, spikes);
    killed.push_back(random() % 2 == 0);
    if (killed.back()) detector.note_kill(at(2 * i + 1));
  }
  detector.push({at(10'000), 0}, spikes);
  detector.finish(spikes);
  REQUIRE(spikes.size() == killed.size());
  for (const Spike& spike : spikes) {
    const bool reported = spike.outcome == Outcome::oom_kill;
    REQUIRE(reported == killed[spike.peak_bytes - 10]);
  }
  CHECK(detector.memory_bytes() < 4096);
}

TEST_CASE("spikes: few decided peaks cost nothing but the last right base") {
  Limits limits;
  limits.decided_peaks = 2;
  std::mt19937_64 random(5);
  std::size_t earlier_bases = 0;
  for (int round = 0; round < 2000; ++round) {
    const auto points = noisy_series(random, 200);
    const auto exact = by_time(find_in_points(points, 60));
    const auto bounded = by_time(find_in_points(points, 60, limits));
    REQUIRE(exact.size() == bounded.size());
    for (const auto& [time, spike] : exact) {
      const Spike& other = bounded.at(time);
      REQUIRE(spike.peak_bytes == other.peak_bytes);
      REQUIRE(spike.prominence_bytes == other.prominence_bytes);
      REQUIRE(spike.width_ns == other.width_ns);
      REQUIRE(spike.rise_ns == other.rise_ns);
      REQUIRE(spike.crest_ns == other.crest_ns);
      REQUIRE(spike.left_base_ns == other.left_base_ns);
      REQUIRE(spike.right_base_ns >= other.right_base_ns);
      earlier_bases += spike.right_base_ns > other.right_base_ns ? 1 : 0;
    }
  }
  CHECK(earlier_bases > 100);  // the limit was hit
}

TEST_CASE("spikes: few undecided peaks cost some of the equal tops, and nothing else") {
  Limits limits;
  limits.undecided_peaks = 8;
  std::vector<Point> points = rows({0});
  const auto push = [&](std::uint64_t value) { points.push_back({at(points.size()), value}); };
  for (int i = 0; i < 500; ++i) {
    push(1000);
    push(1000 - 1 - static_cast<std::uint64_t>(i * 7 % 40));
    if (i % 50 == 0) {  // a lower spike in between, whose left side the tops must bound
      push(700);
      push(900);
      push(650);
    }
  }
  push(0);
  const auto exact = by_time(find_in_points(points, 100));
  const auto bounded = by_time(find_in_points(points, 100, limits));
  REQUIRE(bounded.count(at(1)) == 1);
  CHECK(bounded.size() < exact.size());
  std::size_t lower = 0;
  for (const auto& [time, spike] : bounded) {
    const Spike& truth = exact.at(time);
    lower += spike.peak_bytes == 900 ? 1 : 0;
    // A top that had to go early has fallen from 1000 to 650, not yet to 0.
    if (spike.prominence_bytes == truth.prominence_bytes) {
      CHECK(spike.width_ns == truth.width_ns);
      CHECK(spike.rise_ns == truth.rise_ns);
      CHECK(spike.crest_ns == truth.crest_ns);
      CHECK(spike.left_base_ns == truth.left_base_ns);
    } else {
      CHECK(spike.peak_bytes == 1000);
      CHECK(spike.prominence_bytes < truth.prominence_bytes);
    }
  }
  CHECK(lower == 10);
  CHECK(bounded.at(at(1)).prominence_bytes == 1000);
}

TEST_CASE("spikes: thinned flanks keep every spike, and widths within the samples kept") {
  Limits limits;
  limits.flank_rows = 64;
  std::vector<Point> points;
  for (std::uint64_t i = 0; i <= 4000; ++i) points.push_back({at(i), 1000 * std::min(i, 4000 - i)});
  const auto ramp = find_in_points(points, 1, limits);
  REQUIRE(ramp.size() == 1);
  CHECK(within(ramp[0].width_ns, 2000 * kStep, 1));  // straight flanks lose nothing
  CHECK(within(ramp[0].rise_ns, 1600 * kStep, 1));
  CHECK(within(ramp[0].crest_ns, 400 * kStep, 1));

  std::mt19937_64 random(9);
  for (int round = 0; round < 100; ++round) {
    const auto noisy = noisy_series(random, 1000);
    const auto exact = by_time(find_in_points(noisy, 80));
    const auto bounded = by_time(find_in_points(noisy, 80, limits));
    REQUIRE(exact.size() == bounded.size());
    for (const auto& [time, spike] : exact) {
      const Spike& other = bounded.at(time);
      REQUIRE(spike.prominence_bytes == other.prominence_bytes);
      REQUIRE(spike.left_base_ns == other.left_base_ns);
      REQUIRE(spike.right_base_ns == other.right_base_ns);
    }
  }
}

TEST_CASE("spikes: any limits are safe") {
  std::mt19937_64 random(13);
  std::size_t spikes = 0;
  for (int round = 0; round < 4000; ++round) {
    Limits limits;
    limits.decided_peaks = 1 + random() % 5;
    limits.undecided_peaks = 1 + random() % 6;
    limits.flank_rows = 2 + random() % 10;
    limits.plateau_rows = 2 + random() % 4;
    limits.kills = 1 + random() % 3;
    Detector detector(1 + random() % 4, limits);
    std::vector<Spike> found;
    const std::uint64_t alphabet = 2 + random() % 30;
    std::uint64_t highest = 0;
    for (std::uint64_t i = 0; i < 150; ++i) {
      const std::uint64_t value = random() % 5 == 0 ? alphabet : random() % alphabet;
      highest = std::max(highest, value);
      detector.push({at(i), value}, found);
      if (random() % 10 == 0) detector.note_kill(at(i));
    }
    detector.finish(found);
    for (const Spike& spike : found) {
      REQUIRE(spike.peak_bytes <= highest);
      REQUIRE(spike.prominence_bytes <= spike.peak_bytes);
      REQUIRE(spike.left_base_ns < spike.peak_ns);
      REQUIRE(spike.right_base_ns >= spike.peak_ns);
      REQUIRE(spike.width_ns <= 150 * kStep);
      REQUIRE(spike.rise_ns <= 150 * kStep);
      REQUIRE(spike.crest_ns <= 150 * kStep);
      REQUIRE(spike.crest_rise_ns <= spike.crest_ns);
    }
    spikes += found.size();
  }
  CHECK(spikes > 4000);
}

TEST_CASE("the middle of a plateau is exact, and nearly so when it is longer than the limit") {
  const std::uint64_t limit = GENERATE(4u, 16u, 1000u);
  Plateau plateau(limit);
  for (int again = 0; again < 2; ++again) {
    plateau.start(0);
    for (std::uint64_t row = 1; row < 20'000; ++row) {
      plateau.add(row * 10);
      const std::uint64_t middle = row / 2;  // floor((0 + row) / 2)
      const std::uint64_t off = row + 1 <= 2 * limit ? 0 : 2 * row / limit + 1;
      INFO("row " << row << " limit " << limit);
      REQUIRE(within(plateau.middle_ns(), middle * 10, off * 10));
    }
    CHECK(plateau.memory_bytes() <= 32 * (limit + 32));
  }
}
