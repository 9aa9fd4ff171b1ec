// Limits from constructed spikes whose truth is known.
#include "advice/advice.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <vector>

using namespace memspike;
using namespace memspike::advice;
using spike::Outcome;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kSecond = 1'000'000'000;

spike::Spike spike_to(std::uint64_t peak_bytes, std::uint64_t at_ns, Outcome outcome = Outcome::fell) {
  spike::Spike s;
  s.peak_ns = at_ns;
  s.peak_bytes = peak_bytes;
  s.prominence_bytes = peak_bytes / 2;
  s.rise_ns = 8'000'000;
  s.crest_rise_ns = 1'000'000;
  s.outcome = outcome;
  return s;
}

// Spikes that fell, at 40 MiB, 41 MiB…, a second apart.
Observed ladder(std::uint64_t rungs) {
  Observed observed;
  for (std::uint64_t i = 0; i < rungs; ++i) observed.add(spike_to((40 + i) * kMiB, (i + 1) * kSecond));
  return observed;
}

bool near(std::uint64_t a, double b, double relative) {
  return std::abs(static_cast<double>(a) - b) <= relative * b;
}

}  // namespace

TEST_CASE("without censoring the limits are the nearest-rank percentiles, and a margin") {
  const auto advice = advise(ladder(100), {38 * kMiB + 1, 64 * kMiB});
  REQUIRE(advice);
  CHECK(advice->spikes == 100);
  CHECK(advice->cut_off == 0);
  CHECK(advice->bounds[0].height_bytes == 139 * kMiB);
  CHECK(advice->bounds[1].height_bytes == 138 * kMiB);
  CHECK(advice->bounds[2].height_bytes == 134 * kMiB);
  for (const Bound& bound : advice->bounds) {
    CHECK_FALSE(bound.at_least);
    CHECK(bound.limit_bytes >= bound.height_bytes + bound.height_bytes / 100 * 10);
    CHECK(bound.limit_bytes <= (bound.height_bytes + bound.height_bytes / 10) * 33 / 32 + kMiB);
    CHECK(bound.limit_bytes % kMiB == 0);
  }
  CHECK(advice->all().limit_bytes == 156 * kMiB);  // 152.9, in steps of 4
  CHECK(advice->request_bytes == 39 * kMiB);
  CHECK_FALSE(advice->extrapolated_bytes);
}

TEST_CASE("one spike is all, 99 % and 95 % of the spikes, and none is no advice") {
  const auto advice = advise(ladder(1), {});
  REQUIRE(advice);
  for (const Bound& bound : advice->bounds) CHECK(bound.height_bytes == 40 * kMiB);
  CHECK(advice->all().limit_bytes == 44 * kMiB);
  CHECK_FALSE(advice->request_bytes);
  CHECK_FALSE(advise({}, {38 * kMiB, 50 * kMiB}));
}

TEST_CASE("the curve says what each limit holds, the current one among them") {
  const auto advice = advise(ladder(10), {{}, 45 * kMiB});  // 40 to 49 MiB
  REQUIRE(advice);
  REQUIRE(advice->curve.size() >= 5);
  CHECK(std::is_sorted(advice->curve.begin(), advice->curve.end(),
                       [](const Candidate& a, const Candidate& b) { return a.limit_bytes < b.limit_bytes; }));
  for (const Candidate& point : advice->curve) {
    CHECK(point.held == std::min<std::uint64_t>(10, point.limit_bytes / kMiB - 39));
    CHECK(point.unknown == 0);
  }
  CHECK(advice->curve.front().limit_bytes == 44 * kMiB);
  CHECK(advice->curve.back().limit_bytes == advice->all().limit_bytes);
  CHECK(std::count_if(advice->curve.begin(), advice->curve.end(),
                      [](const Candidate& c) { return c.limit_bytes == 45 * kMiB && c.held == 6; }) == 1);
}

TEST_CASE("spikes that were cut off make an at least of what they hide") {
  Observed observed = ladder(10);
  for (std::uint64_t i = 0; i < 3; ++i) {
    observed.add(spike_to(50 * kMiB, (20 + i) * kSecond, Outcome::oom_kill));
  }
  const auto advice = advise(observed, {38 * kMiB, 50 * kMiB});
  REQUIRE(advice);
  CHECK(advice->spikes == 13);
  CHECK(advice->cut_off == 3);
  CHECK_FALSE(advice->knows_no_height());
  for (const Bound& bound : advice->bounds) CHECK(bound.at_least);
  CHECK(advice->all().height_bytes >= 50 * kMiB);
  const auto at = [&](std::uint64_t limit_bytes) {
    return *std::find_if(advice->curve.begin(), advice->curve.end(),
                         [&](const Candidate& c) { return c.limit_bytes == limit_bytes; });
  };
  CHECK(at(50 * kMiB).held == 10);
  CHECK(at(50 * kMiB).unknown == 0);  // cut off by this very limit: not held
  CHECK(at(advice->all().limit_bytes).unknown == 3);
}

TEST_CASE("when all were cut off there is a floor and nothing else") {
  Observed observed;
  for (std::uint64_t i = 1; i <= 5; ++i) observed.add(spike_to(50 * kMiB, i * kSecond, Outcome::oom_kill));
  const auto advice = advise(observed, {38 * kMiB, 50 * kMiB});
  REQUIRE(advice);
  CHECK(advice->knows_no_height());
  CHECK_FALSE(advice->extrapolated_bytes);
  CHECK(advice->all().at_least);
  CHECK(advice->all().height_bytes == 50 * kMiB);
  CHECK(advice->all().limit_bytes == 55 * kMiB);
}

TEST_CASE("spikes cut off low do not hide the height of those that went higher") {
  // A pod's limit killed at 30 MiB what elsewhere peaks at 40 to 49.
  Observed observed = ladder(10);
  observed.add(spike_to(30 * kMiB, 100 * kSecond, Outcome::oom_kill));
  const auto advice = advise(observed, {});
  REQUIRE(advice);
  CHECK_FALSE(advice->all().at_least);
  CHECK(advice->all().height_bytes == 49 * kMiB);
}

TEST_CASE("Kaplan-Meier finds the percentile that plain counting of what fell misses") {
  // Heights uniform from 0 to 1000 MiB; a limit that moved cut off what exceeded it at the time.
  std::mt19937_64 random(1958);
  Heights heights;
  std::vector<std::uint64_t> fell;
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t height = random() % 1000 * kMiB;
    const std::uint64_t limit = (i % 2 == 0 ? 500 : 990) * kMiB;
    if (height < limit) fell.push_back(height);
    heights.add(std::min(height, limit), height >= limit);
  }
  std::sort(fell.begin(), fell.end());
  CHECK(near(*heights.holding(95), 950.0 * kMiB, 0.01));
  CHECK(near(*heights.holding(80), 800.0 * kMiB, 0.02));
  CHECK_FALSE(near(fell[fell.size() * 80 / 100], 800.0 * kMiB, 0.05));
  CHECK_FALSE(heights.holding(100));
}

TEST_CASE("Kaplan-Meier on a case worked by hand") {
  // 10 fell, 20 cut off, 30 fell, 30 cut off, 40 fell: 4/5, then 4/5 * 2/3, then 0.
  Heights heights;
  for (const auto& [mib, cut_off] :
       {std::pair(10, false), {20, true}, {30, false}, {30, true}, {40, false}}) {
    heights.add(static_cast<std::uint64_t>(mib) * kMiB, cut_off);
  }
  CHECK(heights.holding(20) == 10 * kMiB);
  CHECK(heights.holding(21) == 30 * kMiB);
  CHECK(heights.holding(46) == 30 * kMiB);
  CHECK(heights.holding(47) == 40 * kMiB);
  CHECK(heights.holding(100) == 40 * kMiB);
}

TEST_CASE("the slope tells how high a spike would have gone that was cut off early") {
  // Bursts from 40 MiB rise for 10 ms. Those that fell rose by 1 MiB a ms to 50; those that were cut
  // off rose by 4 MiB a ms, were at 60 after 5 ms, and would have reached 80.
  Observed observed;
  for (std::uint64_t i = 1; i <= 9; ++i) observed.add(spike_to(50 * kMiB - i, i * kSecond));
  for (std::uint64_t i = 1; i <= 3; ++i) {
    spike::Spike cut = spike_to(60 * kMiB, (20 + i) * kSecond, Outcome::oom_kill);
    cut.prominence_bytes = 60 * kMiB;  // from the container's start, as killed ones are
    cut.crest_rise_ns = 1'500'000;     // 6 MiB of it
    cut.rise_ns = 100 * kSecond;
    observed.add(cut);
  }
  const auto advice = advise(observed, {40 * kMiB, 60 * kMiB});
  REQUIRE(advice);
  REQUIRE(advice->extrapolated_bytes);
  CHECK(near(*advice->extrapolated_bytes, 80.0 * kMiB, 0.02));
  CHECK(advice->all().at_least);
  CHECK(advice->all().height_bytes == *advice->extrapolated_bytes);
  CHECK(advice->all().limit_bytes >= 88 * kMiB * 98 / 100);
}

TEST_CASE("a spike that had risen for as long as the others do is not extrapolated") {
  Observed observed = ladder(9);
  spike::Spike cut = spike_to(60 * kMiB, 50 * kSecond, Outcome::oom_kill);
  cut.prominence_bytes = 60 * kMiB;
  cut.crest_rise_ns = 5'000'000;  // 1.2 MiB a ms: 20 MiB took 17 ms, others rise in 10
  observed.add(cut);
  const auto advice = advise(observed, {40 * kMiB, 60 * kMiB});
  REQUIRE(advice);
  CHECK_FALSE(advice->extrapolated_bytes);
  CHECK(advice->all().at_least);
  CHECK(advice->all().height_bytes == 60 * kMiB);
}

TEST_CASE("equal tops that follow each other are one spike, one still up counts as high as it is") {
  Observed observed;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    observed.add(spike_to(50 * kMiB, kSecond + i * 1'000'000, Outcome::oom_kill));
  }
  observed.add(spike_to(50 * kMiB, 3 * kSecond, Outcome::oom_kill));
  observed.add(spike_to(45 * kMiB, 5 * kSecond, Outcome::ongoing));
  CHECK(observed.heights.cut_off() == 2);
  CHECK(observed.heights.fell() == 1);
  CHECK(observed.cut_off_bytes_per_second.count() == 2);
  CHECK(observed.fallen_rise_ns.count() == 0);
}

TEST_CASE("a limit is never below what it lives at, what it held, what its runtime may take, or the kill") {
  // runc's start-up was its only spike; then it rose to 44 MiB and stayed.
  Observed observed;
  observed.add(spike_to(2 * kMiB, kSecond));
  Known known;
  known.level_bytes = 44 * kMiB;
  known.held_bytes = 45 * kMiB;
  auto advice = advise(observed, known);
  REQUIRE(advice);
  CHECK(advice->request_bytes == 44 * kMiB);
  CHECK(advice->all().limit_bytes == 50 * kMiB);  // 49.5
  CHECK(advice->basis == Basis::held);
  CHECK(advice->basis_bytes == 45 * kMiB);
  for (const Bound& bound : advice->bounds) CHECK(bound.limit_bytes >= *advice->request_bytes);
  CHECK(advice->curve.front().limit_bytes >= *advice->request_bytes);

  known.told_bytes = 80 * kMiB;
  advice = advise(observed, known);
  CHECK(advice->all().limit_bytes == 88 * kMiB);
  CHECK(advice->basis == Basis::told);

  known.limit_bytes = 120 * kMiB;
  CHECK(advise(observed, known)->all().limit_bytes == 88 * kMiB);
  known.follows_limit = true;
  advice = advise(observed, known);
  CHECK(advice->all().limit_bytes == 120 * kMiB);
  CHECK(advice->basis == Basis::today);
  known.follows_limit = false;
  known.killed_from_outside = true;
  CHECK(advise(observed, known)->all().limit_bytes == 120 * kMiB);
}

TEST_CASE("whatever was seen, limit >= request, >= what was held and a margin") {
  std::mt19937_64 random(12);
  for (int i = 0; i < 2000; ++i) {
    Observed observed;
    const auto bytes = [&](std::uint64_t below_mib) { return random() % (below_mib * kMiB); };
    for (std::uint64_t n = 1 + random() % 30; n > 0; --n) {
      observed.add(
          spike_to(bytes(100), (40 - n) * kSecond, random() % 4 == 0 ? Outcome::oom_kill : Outcome::fell));
    }
    Known known;
    if (random() % 2 == 0) known.level_bytes = 1 + bytes(150);
    if (random() % 2 == 0) known.limit_bytes = bytes(200);
    known.held_bytes = bytes(200);
    if (random() % 3 == 0) known.told_bytes = bytes(300);
    known.follows_limit = random() % 3 == 0;
    known.killed_from_outside = random() % 3 == 0;
    const auto advice = advise(observed, known);
    REQUIRE(advice);
    const std::uint64_t limit_bytes = advice->all().limit_bytes;
    CHECK(advice->request_bytes.has_value() == known.level_bytes.has_value());
    CHECK(limit_bytes >= known.held_bytes + known.held_bytes / 100 * 10);
    CHECK(limit_bytes >= observed.heights.highest_bytes());
    CHECK(limit_bytes >= known.told_bytes);
    if (known.follows_limit || known.killed_from_outside) CHECK(limit_bytes >= known.limit_bytes.value_or(0));
    for (const Bound& bound : advice->bounds) {
      CHECK(bound.limit_bytes >= advice->request_bytes.value_or(0));
      CHECK(bound.limit_bytes <= limit_bytes);
    }
  }
}

TEST_CASE("a level is where it stays: no ramp, no moment, nothing empty") {
  const auto ramp = [](std::uint64_t from_mib, std::uint64_t to_mib, std::uint64_t total_ns) {
    histogram::Histogram at;
    for (std::uint64_t mib = from_mib; mib < to_mib; ++mib)
      at.record(mib * kMiB, total_ns / (to_mib - from_mib));
    return at;
  };
  CHECK_FALSE(level_of({}));
  CHECK_FALSE(level_of(ramp(0, 80, 60 * kSecond)));
  CHECK_FALSE(level_of(ramp(38, 42, kSecond / 4)));
  histogram::Histogram empty;
  empty.record(0, 60 * kSecond);
  empty.record(kMiB, kSecond);
  CHECK_FALSE(level_of(empty));
  const auto sawtooth = level_of(ramp(20, 40, 60 * kSecond));
  REQUIRE(sawtooth);
  CHECK(near(*sawtooth, 29.5 * kMiB, 0.05));
  histogram::Histogram spiky;
  spiky.record(38 * kMiB, 50 * kSecond);
  spiky.record(90 * kMiB, 10 * kSecond);
  CHECK(near(level_of(spiky).value_or(0), 38.0 * kMiB, 0.01));
}

TEST_CASE("very many different heights are rounded up, in any order, and merge") {
  std::mt19937_64 random(7);
  std::vector<std::uint64_t> values;
  for (int i = 0; i < 20'000; ++i) values.push_back(random() % (64 * kMiB));
  Heights forward;
  Heights backward;
  Heights halves[2];
  for (std::size_t i = 0; i < values.size(); ++i) {
    forward.add(values[i], false);
    backward.add(values[values.size() - 1 - i], false);
    halves[i % 2].add(values[i], false);
  }
  halves[0].merge(halves[1]);
  std::sort(values.begin(), values.end());
  for (const unsigned percent : {1u, 50u, 95u, 100u}) {
    const std::uint64_t exact = values[values.size() * percent / 100 - 1];
    const auto found = forward.holding(percent);
    REQUIRE(found);
    CHECK(*found >= exact);
    CHECK(*found - exact < 128 * 1024);
    CHECK(backward.holding(percent) == found);
    CHECK(halves[0].holding(percent) == found);
  }
  CHECK(halves[0].total() == 20'000);
}

TEST_CASE("time above is of the limit in force") {
  TimeAbove above;
  above.hold(7, 100, {});
  above.hold(10, 50, 100);
  above.hold(20, 49, 100);
  above.hold(30, 95, 100);
  above.hold(40, 95, 200);  // the limit was raised
  above.hold(50, 94, 99);   // 95 % are 94.05
  TimeAbove other;
  other.hold(1, 90, 100);
  above.merge(other);
  CHECK(above.limited_ns == 151);
  CHECK(above.above_ns == std::array<std::uint64_t, 4>{91, 81, 81, 30});
  TimeAbove huge;
  huge.hold(1, std::uint64_t{1} << 62, std::uint64_t{1} << 62);
  CHECK(huge.above_ns[3] == 1);
}

TEST_CASE("limits are rounded up to whole Mi, by a thirty-second at most") {
  CHECK(rounded_up(0) == 0);
  CHECK(rounded_up(1) == kMiB);
  CHECK(rounded_up(55 * kMiB) == 55 * kMiB);
  CHECK(rounded_up(55 * kMiB + 1) == 56 * kMiB);
  CHECK(rounded_up(1100 * kMiB) == 1120 * kMiB);
}
