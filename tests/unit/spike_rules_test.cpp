// Each rule of the detector on a series small enough to work out by hand.
#include <catch2/catch.hpp>

#include "spike_series.h"

using namespace memspike::spike;
using namespace spike_series;

TEST_CASE("spikes: nothing comes of nothing, one point, or a slope") {
  CHECK(find({}, 1).empty());
  CHECK(find({5}, 1).empty());
  CHECK(find({5, 5, 5}, 1).empty());
  CHECK(find({9, 8, 7, 0}, 1).empty());  // the first sample is never a peak
  CHECK(find({9, 0, 0, 0}, 1).empty());
}

TEST_CASE("spikes: one triangle, every field") {
  // Height 10 over 0: half height 5, 10 % at 1, 90 % at 9.
  const auto spikes = find({0, 10, 0}, 1);
  REQUIRE(spikes.size() == 1);
  const Spike& spike = spikes[0];
  CHECK(spike.peak_ns == at(1));
  CHECK(spike.peak_bytes == 10);
  CHECK(spike.prominence_bytes == 10);
  CHECK(spike.width_ns == kStep);  // from the middle of the rise to the middle of the fall
  CHECK(spike.rise_ns == kStep * 8 / 10);
  CHECK(spike.crest_ns == kStep * 2 / 10);
  CHECK(spike.crest_rise_ns == kStep / 10);
  CHECK(spike.left_base_ns == at(0));
  CHECK(spike.right_base_ns == at(2));
  CHECK(spike.headroom_bytes == kNoHeadroom);
  CHECK(spike.outcome == Outcome::fell);
}

TEST_CASE("spikes: the threshold is inclusive, and zero counts as one") {
  CHECK(find({0, 10, 0}, 10).size() == 1);
  CHECK(find({0, 10, 0}, 11).empty());
  CHECK(find({0, 1, 0, 1, 1, 0}, 0).size() == 2);
}

TEST_CASE("spikes: the higher base decides the prominence") {
  const auto spikes = find({0, 10, 7, 20}, 1);  // the 20 is open at the end
  REQUIRE(spikes.size() == 2);
  CHECK(spikes[0].peak_bytes == 10);
  CHECK(spikes[0].prominence_bytes == 3);
  CHECK(spikes[0].outcome == Outcome::fell);
  CHECK(spikes[1].outcome == Outcome::ongoing);
}

TEST_CASE("spikes: a base is the nearest of equal minima") {
  const auto spikes = find({9, 2, 5, 2, 8, 3, 4, 3, 9}, 5);
  REQUIRE(spikes.size() == 2);
  CHECK(spikes[0].peak_bytes == 8);
  CHECK(spikes[0].left_base_ns == at(3));
  CHECK(spikes[0].right_base_ns == at(5));
  CHECK(spikes[0].prominence_bytes == 5);
}

TEST_CASE("spikes: a flat valley's base is its row next to the peak") {
  const auto spikes = find({9, 2, 2, 2, 8, 3, 3, 9, 0}, 1);
  REQUIRE(spikes.size() == 2);
  CHECK(spikes[0].left_base_ns == at(3));
  CHECK(spikes[0].right_base_ns == at(5));
}

TEST_CASE("spikes: a flat top counts once, at its middle row") {
  CHECK(find({0, 5, 5, 5, 0}, 1).at(0).peak_ns == at(2));
  CHECK(find({0, 5, 5, 5, 5, 0}, 1).at(0).peak_ns == at(2));  // rounded down
  const auto spikes = find({0, 5, 5, 5, 0}, 1);
  REQUIRE(spikes.size() == 1);
  CHECK(spikes[0].width_ns == 3 * kStep);
  CHECK(find({5, 5, 0, 3, 3, 0}, 1).size() == 1);  // flat at the start: no peak
  CHECK(find({0, 5, 5, 9, 0}, 1).size() == 1);     // a landing on the way up: no peak
}

TEST_CASE("spikes: equally high peaks see past each other") {
  const auto spikes = find({0, 10, 6, 10, 0}, 1);
  REQUIRE(spikes.size() == 2);
  for (const Spike& spike : spikes) {
    CHECK(spike.prominence_bytes == 10);
    CHECK(spike.left_base_ns == at(0));
    CHECK(spike.right_base_ns == at(4));
    CHECK(spike.width_ns == 3 * kStep);  // the dip stays above half height
  }
}

TEST_CASE("spikes: a dip through half height ends the width, not the prominence") {
  const auto spikes = find({0, 10, 4, 10, 0}, 1);
  REQUIRE(spikes.size() == 2);
  CHECK(spikes[0].prominence_bytes == 10);
  CHECK(spikes[1].prominence_bytes == 10);
  // From the middle of the first rise to five sixths of the first fall.
  CHECK(spikes[0].width_ns == kStep / 2 + 8'333'333'333);
}

TEST_CASE("spikes: the rise is the last one before the peak") {
  // Level 90 % (9) is last crossed out of row 3, level 10 % (1) out of row 0.
  const auto spikes = find({0, 8, 4, 5, 10, 0}, 6);
  REQUIRE(spikes.size() == 1);
  const std::uint64_t high = 3 * kStep + kStep * 4 / 5;
  const std::uint64_t low = kStep / 8;
  CHECK(spikes[0].rise_ns == high - low);
}

TEST_CASE("spikes: widths interpolate between irregular times") {
  const std::vector<Point> points{{1'000, 0}, {1'001, 100}, {5'001, 60}, {9'001, 20}, {9'901, 0}};
  const auto spikes = find_in_points(points, 1);
  REQUIRE(spikes.size() == 1);
  CHECK(spikes[0].width_ns == 5'001 + 1'000 - 1'001 + 1);  // 1000.5 to 6001, rounded
  CHECK(spikes[0].rise_ns == 1);
  CHECK(spikes[0].crest_ns == 1'000);  // 1000.9 to 2001
  CHECK(spikes[0].crest_rise_ns == 0);
}

TEST_CASE("spikes: a dip through nine tenths ends the crest, not the width") {
  // The first fall to 7 crosses 9 after two thirds of a step; the dip stays above half height.
  auto spikes = find({0, 10, 7, 10, 9, 8, 0}, 1);
  REQUIRE(spikes.size() == 2);
  if (spikes[0].peak_ns > spikes[1].peak_ns) std::swap(spikes[0], spikes[1]);
  CHECK(spikes[0].crest_ns == kStep / 10 + kStep / 3);
  CHECK(spikes[0].crest_rise_ns == kStep / 10);
  CHECK(spikes[0].width_ns > 3 * kStep);
  CHECK(spikes[1].crest_ns == kStep / 3 + kStep);  // out of the dip, to the sample at 9 itself
  CHECK(spikes[1].width_ns == spikes[0].width_ns);
}

TEST_CASE("spikes: the crest follows the base down until the spike is decided") {
  // Nine tenths of the height lie at 95 while the lowest on the right is 50, and at 90 in the end.
  const auto spikes = find({0, 100, 92, 50, 99, 0}, 60);
  REQUIRE(spikes.size() == 1);
  const std::uint64_t down = kStep + kStep * 2 / 42;  // past 92, to 90 on the way to 50
  CHECK(spikes[0].crest_ns == kStep / 10 + down);
}

TEST_CASE("spikes: equal times make no division by zero") {
  const std::vector<Point> points{{7, 0}, {7, 10}, {7, 0}, {7, 4}, {7, 1}};
  for (const Spike& spike : find_in_points(points, 1)) {
    CHECK(spike.width_ns == 0);
    CHECK(spike.rise_ns == 0);
  }
  CHECK(find_in_points(points, 1).size() == 2);
}

TEST_CASE("spikes: heights near 2^63 are exact to the byte") {
  const std::uint64_t huge = (std::uint64_t{1} << 63) - 10;
  const auto spikes = find({huge, huge + 3, huge + 1, huge + 9, huge}, 1);
  REQUIRE(spikes.size() == 2);
  CHECK(spikes[0].prominence_bytes == 2);
  CHECK(spikes[1].prominence_bytes == 9);
  const auto whole = find({0, huge, 0}, huge);
  REQUIRE(whole.size() == 1);
  CHECK(whole[0].prominence_bytes == huge);
  CHECK(whole[0].width_ns == kStep);
}

TEST_CASE("spikes: headroom is that of the peak, the smallest on a flat top") {
  const std::vector<Point> points{{0, 0, 50}, {1, 9, 7}, {2, 9, 5}, {3, 9, 6},
                                  {4, 1, 2},  {5, 4, 3}, {6, 0, 1}};
  const auto spikes = find_in_points(points, 1);
  REQUIRE(spikes.size() == 2);
  const bool first_is_nine = spikes[0].peak_bytes == 9;
  CHECK(spikes[first_is_nine ? 0 : 1].headroom_bytes == 5);
  CHECK(spikes[first_is_nine ? 1 : 0].headroom_bytes == 3);
}

TEST_CASE("spikes: what is still open at the end is ongoing") {
  SECTION("ends on the way up") {
    const auto spikes = find({2, 0, 4, 10}, 3);
    REQUIRE(spikes.size() == 1);
    CHECK(spikes[0].outcome == Outcome::ongoing);
    CHECK(spikes[0].peak_ns == at(3));
    CHECK(spikes[0].prominence_bytes == 10);
    CHECK(spikes[0].left_base_ns == at(1));
    CHECK(spikes[0].right_base_ns == at(3));
    CHECK(spikes[0].width_ns == 8'333'333'333);  // level 5, between 4 and 10
  }
  SECTION("ends on a flat top") {
    const auto spikes = find({0, 10, 10, 10}, 3);
    REQUIRE(spikes.size() == 1);
    CHECK(spikes[0].outcome == Outcome::ongoing);
    CHECK(spikes[0].peak_ns == at(2));
    CHECK(spikes[0].width_ns == 2 * kStep + kStep / 2);
  }
  SECTION("has not come down far enough") {
    const auto spikes = find({0, 10, 8}, 3);
    REQUIRE(spikes.size() == 1);
    CHECK(spikes[0].outcome == Outcome::ongoing);
    CHECK(spikes[0].prominence_bytes == 10);
    CHECK(spikes[0].right_base_ns == at(2));
  }
  SECTION("has come down past half height, yet not far enough: neither a peak nor up") {
    CHECK(find({0, 10, 3}, 8).empty());
    CHECK(find({0, 10, 5}, 8).empty());
    CHECK(find({0, 10, 6}, 8).size() == 1);
  }
  SECTION("has come down far enough for the detector, not for a threshold chosen afterwards") {
    const std::vector<std::uint64_t> values{0, 409, 389, 389};  // a rise that gives a little back, and stays
    for (const std::uint64_t threshold : {1, 20, 21, 51, 409, 410}) {
      Detector detector(1);
      std::vector<Spike> spikes;
      for (const Point& point : rows(values)) detector.push(point, spikes);
      detector.finish(spikes);
      std::erase_if(spikes, [&](const Spike& spike) { return !reaches(spike, threshold); });
      INFO("threshold " << threshold);
      REQUIRE(spikes.size() == (threshold <= 409 ? 1 : 0));
      if (threshold > 409) continue;
      CHECK(spikes[0].peak_bytes == 409);
      CHECK(spikes[0].prominence_bytes == (threshold <= 20 ? 20 : 409));
      CHECK(spikes[0].outcome == (threshold <= 20 ? Outcome::fell : Outcome::ongoing));
    }
  }
  SECTION("has come down far enough: a spike like any other, though the base may still fall") {
    const auto spikes = find({0, 10, 7}, 3);
    REQUIRE(spikes.size() == 1);
    CHECK(spikes[0].outcome == Outcome::fell);
    CHECK(spikes[0].prominence_bytes == 3);
  }
  SECTION("too small to matter") { CHECK(find({0, 2}, 3).empty()); }
  SECTION("several equal tops of one open spike are one") {
    const auto spikes = find({0, 10, 9, 10, 9, 10, 9, 10}, 3);
    REQUIRE(spikes.size() == 1);
    CHECK(spikes[0].outcome == Outcome::ongoing);
    CHECK(spikes[0].peak_ns == at(1));
  }
}

TEST_CASE("spikes: a peak is decided by the first higher sample") {
  Detector detector(5);
  std::vector<Spike> spikes;
  std::uint64_t row = 0;
  for (const std::uint64_t value : {0, 10, 5, 10}) detector.push({at(row++), value}, spikes);
  CHECK(spikes.empty());
  detector.push({at(row++), 11}, spikes);
  CHECK(spikes.size() == 1);
}

namespace {

// The outcome of the triangle 0, 10, 0 (upper half: rows 0.5 to 1.5; the row after: 2) with a
// kill at a time, noted before a row is pushed.
Outcome outcome_of_kill(std::uint64_t kill_ns, std::size_t before_row) {
  Detector detector(1);
  std::vector<Spike> spikes;
  const auto points = rows({0, 10, 0, 0});
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (i == before_row) detector.note_kill(kill_ns);
    detector.push(points[i], spikes);
  }
  detector.finish(spikes);
  REQUIRE(spikes.size() == 1);
  return spikes[0].outcome;
}

}  // namespace

TEST_CASE("spikes: a kill in the upper half makes the outcome") {
  CHECK(outcome_of_kill(at(1), 1) == Outcome::oom_kill);
  CHECK(outcome_of_kill(at(1), 2) == Outcome::oom_kill);
  CHECK(outcome_of_kill(at(1), 3) == Outcome::oom_kill);  // noted late
  CHECK(outcome_of_kill(at(0) + kStep / 2, 1) == Outcome::oom_kill);
  CHECK(outcome_of_kill(at(0) + kStep / 2 - 2, 1) == Outcome::fell);  // on the lower half of the rise
  CHECK(outcome_of_kill(at(2), 2) == Outcome::oom_kill);              // up to the row that fell below
  CHECK(outcome_of_kill(at(2) + 1, 3) == Outcome::fell);
}

TEST_CASE("spikes: a kill ends the spike that it falls into, not its neighbours") {
  Detector detector(5);
  std::vector<Spike> spikes;
  const auto points = rows({0, 10, 0, 12, 0, 14, 0});
  for (std::size_t i = 0; i < points.size(); ++i) {
    if (i == 4) detector.note_kill(at(3) + 5);
    detector.push(points[i], spikes);
  }
  detector.finish(spikes);
  REQUIRE(spikes.size() == 3);
  for (const Spike& spike : spikes) {
    CHECK(spike.outcome == (spike.peak_bytes == 12 ? Outcome::oom_kill : Outcome::fell));
  }
}

TEST_CASE("spikes: a kill is the outcome of what stays up, too: tmpfs outlives its process") {
  Detector detector(5);
  std::vector<Spike> spikes;
  for (const Point& point : rows({0, 10, 10})) detector.push(point, spikes);
  detector.note_kill(at(2) + 5);
  detector.push({at(3), 10}, spikes);
  detector.finish(spikes);
  REQUIRE(spikes.size() == 1);
  CHECK(spikes[0].outcome == Outcome::oom_kill);
  CHECK(spikes[0].up);
}

TEST_CASE("spikes: a detector moves with its state") {
  Detector first(5);
  std::vector<Spike> spikes;
  first.push({at(0), 0}, spikes);
  first.push({at(1), 10}, spikes);
  Detector second = std::move(first);
  second.push({at(2), 0}, spikes);
  second.finish(spikes);
  CHECK(spikes.size() == 1);
}

TEST_CASE("a spike is confirmed when usage is back at its base, long before its right base is final") {
  memspike::spike::Detector detector(10);
  std::vector<memspike::spike::Spike> out;
  detector.keep_confirmed();
  const std::vector<memspike::spike::Spike>& confirmed = detector.confirmed();
  detector.push({100, 20}, out);
  detector.push({200, 120}, out);
  detector.push({300, 40}, out);
  CHECK(confirmed.empty());  // it may yet rise higher without having been down
  detector.push({400, 20}, out);
  REQUIRE(confirmed.size() == 1);
  CHECK(out.empty());
  CHECK(confirmed[0].half_begin_ns == 150);
  CHECK(confirmed[0].width_ns == 113);  // falls through half height at 262.5
  detector.finish(out);
  REQUIRE(out.size() == 1);
  CHECK(confirmed.size() == 1);  // told once
  CHECK(out[0].half_begin_ns == confirmed[0].half_begin_ns);
  CHECK(out[0].width_ns == confirmed[0].width_ns);
}
