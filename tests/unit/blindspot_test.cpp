// The fold against scrapers simulated one by one, and the working set that they look at.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <vector>

#include "blindspot/scraper.h"
#include "blindspot/working_set.h"

using namespace memspike::blindspot;

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kMiB = 1 << 20;

struct Held {
  std::uint64_t from_ns, until_ns, bytes;
};

// Quiet stretches, bursts of all lengths, and trains of short ones.
std::vector<Held> random_timeline(std::mt19937_64& random, std::uint64_t duration_ns) {
  std::vector<Held> timeline;
  std::uint64_t now = 7'000'000 * kSecond + random() % (100 * kSecond);
  const std::uint64_t end = now + duration_ns;
  while (now < end) {
    const bool quiet = random() % 4 == 0;
    const std::uint64_t length =
        1 + random() % (quiet ? 8 * kSecond : std::uint64_t{1} << (10 + random() % 20));
    const std::uint64_t until = std::min(end, now + length);
    timeline.push_back({now, until, random() % 50});
    now = until;
  }
  return timeline;
}

Fold fold_of(const std::vector<Held>& timeline) {
  Fold fold;
  for (const Held& held : timeline) fold.hold(held.from_ns, held.until_ns, held.bytes);
  return fold;
}

// What the scraper of this phase showed at most; -1: it never looked while something was held.
std::int64_t simulate(const std::vector<Held>& timeline, std::uint64_t period_ns, std::uint64_t phase_ns) {
  const std::uint64_t start = timeline.front().from_ns;
  std::uint64_t look = start / period_ns * period_ns + phase_ns;
  if (look < start) look += period_ns;
  std::int64_t highest = -1;
  std::size_t i = 0;
  for (; look < timeline.back().until_ns; look += period_ns) {
    while (timeline[i].until_ns <= look) ++i;
    highest = std::max(highest, static_cast<std::int64_t>(timeline[i].bytes));
  }
  return highest;
}

bool within(double a, double b, double distance) { return std::abs(a - b) <= distance; }

// Rows of a memcg at 38 MiB that touches 50 MiB for burst_ns, once, `at` after its start.
Fold one_burst(std::uint64_t duration_ns, std::uint64_t at, std::uint64_t burst_ns) {
  constexpr std::uint64_t kStart = 123'456'789'012;
  return fold_of({{kStart, kStart + at, 38 * kMiB},
                  {kStart + at, kStart + at + burst_ns, 50 * kMiB},
                  {kStart + at + burst_ns, kStart + duration_ns, 38 * kMiB}});
}

}  // namespace

TEST_CASE("the fold bounds every scraper, and has the one in each bin's middle exactly") {
  std::mt19937_64 random(15);
  std::size_t tight = 0;
  std::size_t loose = 0;
  for (int round = 0; round < 30; ++round) {
    const std::uint64_t duration = (1 + random() % 200) * kSecond + random() % kSecond;
    const auto timeline = random_timeline(random, duration);
    const Fold fold = fold_of(timeline);
    REQUIRE(fold.held_ns() == duration);
    const auto higher = [](const Held& a, const Held& b) { return a.bytes < b.bytes; };
    REQUIRE(fold.highest_bytes() == std::max_element(timeline.begin(), timeline.end(), higher)->bytes);
    for (const std::uint64_t period : kPeriodsNs) {
      const auto bins = fold.bins(period);
      REQUIRE(bins.size() == period / kBinNs);
      for (std::size_t i = 0; i < bins.size(); ++i) {
        const Bin& bin = bins[i];
        const std::int64_t middle = simulate(timeline, period, i * kBinNs + kBinNs / 2);
        REQUIRE(bin.sampled == (middle >= 0));
        if (bin.sampled) REQUIRE(bin.in_middle_bytes == static_cast<std::uint64_t>(middle));
        for (int k = 0; k < 3; ++k) {
          const std::int64_t shown = simulate(timeline, period, i * kBinNs + random() % kBinNs);
          if (shown >= 0) {
            REQUIRE(bin.touched);
            REQUIRE(static_cast<std::uint64_t>(shown) <= bin.highest_bytes);
          }
          if (bin.covered) REQUIRE(shown >= static_cast<std::int64_t>(bin.assured_bytes));
        }
        (bin.covered && bin.assured_bytes == bin.highest_bytes ? tight : loose) += 1;
      }
    }
  }
  CHECK(tight > 1000);
  CHECK(loose > 1000);
}

TEST_CASE("the shares are those of a brute-force simulation, within their bounds") {
  std::mt19937_64 random(30);
  for (int round = 0; round < 20; ++round) {
    const auto timeline = random_timeline(random, (20 + random() % 100) * kSecond);
    const Fold fold = fold_of(timeline);
    for (const std::uint64_t period : kPeriodsNs) {
      const Scraper scraper = scrape(fold, period, 49);
      constexpr int kPhases = 4000;
      int sees = 0;
      int looks = 0;
      for (int k = 0; k < kPhases; ++k) {
        const std::int64_t shown = simulate(timeline, period, random() % period);
        looks += shown >= 0 ? 1 : 0;
        sees += shown >= 45 ? 1 : 0;  // 90 % of 49, rounded up as 49 - 4
      }
      const double noise = 4 * std::sqrt(0.25 / kPhases) * 1e6;
      const double truth = sees * 1e6 / kPhases;
      CHECK(truth >= scraper.sees_peak.at_least_ppm - noise);
      CHECK(truth <= scraper.sees_peak.at_most_ppm + noise);
      CHECK(within(scraper.sees_peak.ppm, truth,
                   noise + 4 * std::sqrt(0.25 * 1e12 * kBinNs / static_cast<double>(period))));
      CHECK(within(scraper.looks.ppm, looks * 1e6 / kPhases,
                   noise + 3e6 * kBinNs / static_cast<double>(period)));
    }
  }
}

TEST_CASE("half a second in ten minutes: the chance of one look is its length over the period") {
  const Fold fold = one_burst(600 * kSecond, 301 * kSecond, 420'000'000);
  for (const std::uint64_t period : kPeriodsNs) {
    const Scraper scraper = scrape(fold, period, 50 * kMiB);
    const double truth = 420e6 / static_cast<double>(period) * 1e6;
    const double bin = 1e6 * kBinNs / static_cast<double>(period);
    CHECK(within(scraper.sees_peak.ppm, truth, bin));
    CHECK(scraper.sees_peak.at_least_ppm <= truth);
    CHECK(scraper.sees_peak.at_least_ppm >= truth - 2 * bin);
    CHECK(scraper.sees_peak.at_most_ppm >= truth);
    CHECK(scraper.sees_peak.at_most_ppm <= truth + 2 * bin);
    CHECK(scraper.looks.ppm == 1'000'000);
    CHECK(scraper.looks.at_least_ppm == 1'000'000);
    REQUIRE(scraper.shown);
    CHECK(scraper.shown->p50_bytes == 38 * kMiB);
    CHECK(scraper.shown->p95_bytes == 38 * kMiB);
  }
  // A burst of half the period: the median phase stands on the edge, 95 % are above.
  const Scraper half = scrape(one_burst(600 * kSecond, 301 * kSecond, 9 * kSecond), kPeriodsNs[0], 50 * kMiB);
  CHECK(within(half.sees_peak.ppm, 600'000, 2000));
  CHECK(half.shown->p5_bytes == 38 * kMiB);
  CHECK(half.shown->p50_bytes == 50 * kMiB);
}

TEST_CASE("a recording shorter than the period may not be looked at at all") {
  const Scraper scraper = scrape(one_burst(12 * kSecond, 2 * kSecond, 3 * kSecond), 30 * kSecond, 50 * kMiB);
  CHECK(within(scraper.looks.ppm, 400'000, 1000));
  CHECK(scraper.looks.at_least_ppm <= 400'000);
  CHECK(scraper.looks.at_most_ppm >= 400'000);
  CHECK(within(scraper.sees_peak.ppm, 100'000, 1000));
  // Of the two fifths that looked, a quarter saw the burst.
  CHECK(scraper.shown->p50_bytes == 38 * kMiB);
  CHECK(scraper.shown->p95_bytes == 50 * kMiB);
  CHECK_FALSE(scrape(Fold{}, 30 * kSecond, 1).shown);
  CHECK(scrape(Fold{}, 30 * kSecond, 1).looks.at_most_ppm == 0);
  // A millisecond between two middles: nobody can say what was shown, only how seldom.
  Fold blink;
  blink.hold(60 * kSecond + 1, 60 * kSecond + 1'000'000, kMiB);
  const Scraper hardly = scrape(blink, 30 * kSecond, kMiB);
  CHECK_FALSE(hardly.shown);
  CHECK(hardly.looks.ppm == 0);
  CHECK(hardly.looks.at_most_ppm == 977);
}

TEST_CASE("a value held for hours folds as it does piece by piece") {
  Fold at_once;
  Fold in_pieces;
  const std::uint64_t start = 1'234'567'890'123;
  const std::uint64_t end = start + 36'000 * kSecond + 17;
  for (Fold* fold : {&at_once, &in_pieces}) fold->hold(start, start + 5, 9);
  at_once.hold(start + 5, end, 4);
  for (std::uint64_t now = start + 5; now < end;) {
    const std::uint64_t next = std::min(end, now + kSecond + 1);
    in_pieces.hold(now, next, 4);
    now = next;
  }
  for (Fold* fold : {&at_once, &in_pieces}) fold->hold(end, end + 10 * kSecond, 6);
  CHECK(at_once.held_ns() == in_pieces.held_ns());
  const auto a = at_once.bins(kFoldNs);
  const auto b = in_pieces.bins(kFoldNs);
  for (std::size_t i = 0; i < a.size(); ++i) {
    REQUIRE(a[i].covered);
    REQUIRE(a[i].highest_bytes == b[i].highest_bytes);
    REQUIRE(a[i].assured_bytes == b[i].assured_bytes);
    REQUIRE(a[i].in_middle_bytes == b[i].in_middle_bytes);
  }
  // The end of time ends.
  at_once.hold(0, ~std::uint64_t{0}, 1);
  CHECK(at_once.bins(kFoldNs)[0].highest_bytes >= 4);
}

TEST_CASE("two lives of a container are seen by the same scrapers") {
  Fold first;
  Fold second;
  first.hold(600 * kSecond, 605 * kSecond, 3);
  second.hold(640 * kSecond, 650 * kSecond, 5);  // 640 = 10 in the second pass of 30
  Fold both = first;
  both.merge(second);
  both.merge(Fold{});
  const Scraper scraper = scrape(both, 30 * kSecond, 5);
  CHECK(within(scraper.looks.ppm, 500'000, 2000));
  CHECK(within(scraper.sees_peak.ppm, 333'333, 2000));
  CHECK(both.held_ns() == 15 * kSecond);
  Fold other;
  other.merge(both);
  CHECK(scrape(other, 30 * kSecond, 5).sees_peak.ppm == scraper.sees_peak.ppm);
}

TEST_CASE("the chance of a spike is its crest over the period, and at most 1") {
  CHECK(chance_ppm(0, 30 * kSecond) == 0);
  CHECK(chance_ppm(420'000'000, 30 * kSecond) == 14'000);
  CHECK(chance_ppm(15'000, 30 * kSecond) == 1);  // half a millionth, rounded
  CHECK(chance_ppm(30 * kSecond, 30 * kSecond) == 1'000'000);
  CHECK(chance_ppm(~std::uint64_t{0}, 15 * kSecond) == 1'000'000);
}

TEST_CASE("the working set is usage without inactive_file, in whatever order they arrive") {
  struct Step {
    bool row;
    std::uint64_t second, mib;
  };
  const auto shown_at = [](const std::vector<Step>& steps, std::uint64_t second) {
    WorkingSet set;
    for (const Step& step : steps) {
      const std::uint64_t time = 600 * kSecond + step.second * kSecond;
      step.row ? set.row(time, step.mib * kMiB) : set.note_inactive_file(time, step.mib * kMiB);
    }
    return set.take_fold().bins(kFoldNs)[(second * kSecond + kSecond / 2) / kBinNs].in_middle_bytes / kMiB;
  };
  const std::vector<Step> in_time{{false, 0, 5}, {true, 0, 20},  {true, 10, 30}, {false, 15, 12},
                                  {true, 20, 8}, {false, 25, 0}, {true, 30, 8}};
  std::vector<Step> notes_early = in_time;
  std::stable_partition(notes_early.begin(), notes_early.end(), [](const Step& s) { return !s.row; });
  for (const auto& steps : {in_time, notes_early}) {
    CHECK(shown_at(steps, 5) == 15);
    CHECK(shown_at(steps, 12) == 25);
    CHECK(shown_at(steps, 17) == 18);
    CHECK(shown_at(steps, 22) == 0);  // never below nothing
    CHECK(shown_at(steps, 27) == 8);
  }
}

TEST_CASE("without a reading the working set is usage, and readings do not pile up") {
  WorkingSet set;
  set.row(60 * kSecond, 7);
  CHECK_FALSE(set.known());
  for (std::uint64_t i = 0; i < 10'000; ++i) set.note_inactive_file((61 + i) * kSecond, i % 2);
  CHECK(set.known());
  set.row(20'000 * kSecond, 3);
  const Fold fold = set.take_fold();
  CHECK(fold.held_ns() == (20'000 - 60) * kSecond);
  // Odd seconds have 0 to subtract, even ones 1; the first second has no reading yet.
  const auto bins = fold.bins(kFoldNs);
  for (std::uint64_t i = 0; i < bins.size(); ++i) {
    const std::uint64_t second = (i * kBinNs + kBinNs / 2) / kSecond;
    if (second > 0) REQUIRE(bins[i].in_middle_bytes == (second % 2 == 1 ? 7 : 6));
  }
}

TEST_CASE("a packed fold gives the same answers in a fraction of the bytes") {
  std::mt19937_64 random(60);
  const auto same = [](const Fold& a, const Fold& b) {
    const auto equal = [&](std::uint64_t period) { return a.bins(period) == b.bins(period); };
    return a.held_ns() == b.held_ns() && a.highest_bytes() == b.highest_bytes() &&
           std::all_of(kPeriodsNs.begin(), kPeriodsNs.end(), equal);
  };
  for (int round = 0; round < 30; ++round) {
    // From moments to a second pass; by pages, by bytes, and the highest numbers there are.
    auto timeline = random_timeline(random, kSecond / 100 + random() % (100 * kSecond));
    const std::uint64_t unit = std::vector<std::uint64_t>{1, 4096, std::uint64_t{1} << 58}[round % 3U];
    for (Held& held : timeline) held.bytes *= unit;
    const Fold whole = fold_of(timeline);
    Fold packed = whole;
    packed.pack();
    REQUIRE(same(packed, whole));
    packed.pack();
    REQUIRE(same(packed, whole));

    // It goes on where it stopped.
    const std::size_t cut = timeline.size() / 2;
    Fold resumed = fold_of({timeline.begin(), timeline.begin() + static_cast<std::ptrdiff_t>(cut)});
    resumed.pack();
    for (std::size_t i = cut; i < timeline.size(); ++i) {
      resumed.hold(timeline[i].from_ns, timeline[i].until_ns, timeline[i].bytes);
    }
    REQUIRE(same(resumed, whole));

    // Merged, whichever of the two is packed.
    const Fold other = one_burst(20 * kSecond, 3 * kSecond, kSecond);
    Fold expected = whole;
    expected.merge(other);
    Fold other_packed = other;
    other_packed.pack();
    for (const Fold& first : {whole, packed}) {
      for (const Fold& second : {other, other_packed}) {
        Fold sum = first;
        sum.merge(second);
        REQUIRE(same(sum, expected));
      }
    }
  }
  Fold empty;
  empty.pack();
  CHECK(empty.bins(kFoldNs).empty());
  CHECK(empty.highest_bytes() == 0);
}
