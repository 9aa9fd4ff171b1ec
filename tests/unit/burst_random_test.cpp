// The online detector against what its words say, on very many small series full of ties.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <sstream>
#include <vector>

#include "spike/burst_detector.h"

using namespace memspike::spike;
using memspike::timeline::UsageAt;

namespace {

using Random = std::mt19937_64;

std::uint64_t below(Random& random, std::uint64_t bound) { return random() % bound; }

std::uint64_t next_value(Random& random, int shape, std::uint64_t alphabet, std::uint64_t previous) {
  switch (shape) {
    case 0:  // anything
      return below(random, alphabet);
    case 1: {  // a walk
      const std::uint64_t step = below(random, 3);
      return std::min(alphabet - 1, previous + step - std::min<std::uint64_t>(previous + step, 1));
    }
    case 2:  // mostly at the limit
      return below(random, 2) == 0 ? alphabet - 1 : below(random, alphabet);
    case 3:  // a staircase, up and all the way down
      return below(random, 6) == 0 ? below(random, 3) : std::min(alphabet - 1, previous + below(random, 3));
    default:  // long flat stretches
      return below(random, 3) != 0 ? previous : below(random, alphabet);
  }
}

struct Case {
  std::vector<Point> points;
  std::uint64_t threshold_bytes = 1;
};

// `pauses`: time passes. Else all is at one time, and no pause can be long against anything.
Case random_case(Random& random, bool pauses) {
  Case result;
  const std::uint64_t alphabet = 2 + below(random, below(random, 3) == 0 ? 100 : 12);
  const std::uint64_t ground = below(random, 5) == 0 ? (std::uint64_t{1} << 62) + 1 : 0;
  const std::uint64_t longest_ns = below(random, 2) == 0 ? 1000 : 3'000'000'000;
  const int shape = static_cast<int>(below(random, 5));
  std::uint64_t time = 1'000'000'000'000'000;
  std::uint64_t value = below(random, alphabet);
  for (std::uint64_t length = below(random, below(random, 8) == 0 ? 200 : 30); length > 0; --length) {
    value = next_value(random, shape, alphabet, value);
    if (pauses) time += below(random, 4) == 0 ? below(random, longest_ns) : below(random, 1000);
    result.points.push_back({time, ground + value, (std::uint64_t{1} << 40) + below(random, 1000)});
  }
  result.threshold_bytes = 1 + below(random, alphabet);
  return result;
}

std::string describe(const Case& input, const std::vector<Burst>& found) {
  std::ostringstream out;
  out << "threshold " << input.threshold_bytes << "\n";
  for (const Point& point : input.points) out << " (" << point.time_ns << "," << point.usage_bytes << ")";
  out << "\nfound\n";
  for (const Burst& burst : found) {
    out << "  floor " << burst.floor.time_ns << " " << burst.floor.usage_bytes << " top " << burst.top.time_ns
        << " " << burst.top.usage_bytes << " end " << burst.end_ns << " outcome "
        << static_cast<int>(burst.outcome) << "\n";
  }
  return out.str();
}

// A rise from the lowest row since the burst before, of at least the threshold, until usage is back by half.
struct Plain {
  std::uint64_t floor_bytes = 0;
  std::uint64_t top_bytes = 0;
  std::size_t end = 0;  // row
};

std::vector<Plain> plain_bursts(const Case& input) {
  std::vector<Plain> result;
  bool open = false;
  std::uint64_t floor = 0;
  std::uint64_t top = 0;
  for (std::size_t i = 0; i < input.points.size(); ++i) {
    const std::uint64_t usage = input.points[i].usage_bytes;
    if (!open) {
      floor = i == 0 ? usage : std::min(floor, usage);
      open = usage - floor >= input.threshold_bytes;
      top = usage;
    } else if (usage > top) {
      top = usage;
    } else if (usage <= floor || top - usage >= usage - floor) {
      result.push_back({floor, top, i});
      open = false;
      floor = usage;
    }
  }
  if (open) result.push_back({floor, top, input.points.size()});
  return result;
}

std::vector<UsageAt> rows_between(const Case& input, const UsageAt& first, const UsageAt& last) {
  std::vector<UsageAt> rows;
  for (const Point& point : input.points) rows.push_back({point.time_ns, point.usage_bytes});
  auto begin = rows.begin();
  for (auto row = rows.begin(); row != rows.end(); ++row) {
    if (*row == first && row->time_ns <= last.time_ns) begin = row;
  }
  const auto end = std::find(begin, rows.end(), last);
  if (end == rows.end()) return {};
  return {begin, end + 1};
}

// What every burst is, from all rows. Times differ.
void check(const Case& input, const Burst& burst) {
  const std::vector<UsageAt> rows = rows_between(input, burst.floor, burst.top);
  REQUIRE(rows.size() >= 2);
  REQUIRE(burst.height_bytes() >= input.threshold_bytes);
  for (std::size_t i = 1; i < rows.size(); ++i) {
    REQUIRE(rows[i].usage_bytes > burst.floor.usage_bytes);
    REQUIRE((rows[i].usage_bytes < burst.top.usage_bytes || i + 1 == rows.size()));
  }
  std::vector<UsageAt> ends = rows;
  std::erase_if(ends, [&](const UsageAt& row) {  // neither at its floor nor arrived
    return row.usage_bytes > burst.floor.usage_bytes + burst.height_bytes() / 10 &&
           row.usage_bytes < burst.floor.usage_bytes + input.threshold_bytes;
  });
  memspike::timeline::Rise corners = memspike::timeline::corners(ends, 0, ends.size() - 1);
  const std::uint64_t crept_ns = corners.baseline.time_ns - burst.floor.time_ns;
  if (crept_ns <= corners.crest.time_ns - corners.baseline.time_ns) corners.baseline = burst.floor;
  REQUIRE(burst.rise_begin == *(std::find(rows.begin(), rows.end(), corners.baseline) + 1));
  REQUIRE(burst.rise_end == corners.crest);

  const std::uint64_t half_bytes = burst.floor.usage_bytes + burst.height_bytes() / 2;
  std::size_t up = rows.size() - 1;
  while (rows[up].usage_bytes > half_bytes) --up;
  REQUIRE(burst.half_begin_ns >= rows[up].time_ns);
  REQUIRE(burst.half_begin_ns <= rows[up + 1].time_ns);
  std::uint64_t before_ns = burst.top.time_ns;
  for (const Point& point : input.points) {
    if (point.time_ns <= burst.top.time_ns || point.time_ns >= burst.end_ns) continue;
    REQUIRE(point.usage_bytes > half_bytes);
    before_ns = point.time_ns;
  }
  if (burst.outcome == Outcome::fell) {
    REQUIRE(burst.half_begin_ns + burst.duration_ns + 1 >= before_ns);
    REQUIRE(burst.half_begin_ns + burst.duration_ns <= burst.end_ns + 1);
  } else {
    REQUIRE(burst.half_begin_ns + burst.duration_ns == burst.end_ns);
  }
  REQUIRE(burst.high_begin_ns >= burst.half_begin_ns);
  REQUIRE(burst.high_begin_ns <= burst.top.time_ns);
  REQUIRE(burst.crest_ns <= burst.duration_ns + 1);
}

// One lies within the other, or they have nothing in common.
bool are_nested(const Burst& a, const Burst& b) {
  const auto within = [](const Burst& inner, const Burst& outer) {
    return inner.floor.time_ns >= outer.floor.time_ns && inner.end_ns <= outer.end_ns;
  };
  return a.end_ns <= b.floor.time_ns || b.end_ns <= a.floor.time_ns || within(a, b) || within(b, a);
}

}  // namespace

TEST_CASE("bursts: where no pause counts, each is a rise from the lowest row that came back by half") {
  Random random(20'261'129);
  std::size_t bursts = 0;
  for (int i = 0; i < 100'000; ++i) {
    const Case input = random_case(random, false);
    BurstDetector detector(input.threshold_bytes);
    std::vector<Burst> found;
    std::vector<std::size_t> ends;  // told at this row
    for (std::size_t row = 0; row < input.points.size(); ++row) {
      detector.push(input.points[row], found);
      ends.resize(found.size(), row);
    }
    detector.finish(Outcome::ongoing, found);
    ends.resize(found.size(), input.points.size());
    const std::vector<Plain> expected = plain_bursts(input);
    bool same = found.size() == expected.size();
    for (std::size_t k = 0; same && k < found.size(); ++k) {
      same = found[k].floor.usage_bytes == expected[k].floor_bytes &&
             found[k].top.usage_bytes == expected[k].top_bytes && ends[k] == expected[k].end &&
             (found[k].outcome == Outcome::ongoing) == (ends[k] == input.points.size());
    }
    if (!same) FAIL("series " << i << " " << describe(input, found));
    bursts += found.size();
  }
  CHECK(bursts > 100'000);
}

TEST_CASE("bursts: each is what its fields say, within the others or apart, and told in time") {
  Random random(42);
  std::size_t bursts = 0;
  std::size_t inner = 0;
  for (int i = 0; i < 30'000; ++i) {
    Case input = random_case(random, true);
    std::uint64_t last_ns = 0;
    for (Point& point : input.points) point.time_ns = last_ns = std::max(point.time_ns, last_ns + 1);
    BurstDetector detector(input.threshold_bytes);
    std::vector<Burst> found;
    for (const Point& point : input.points) {
      const std::size_t before = found.size();
      detector.push(point, found);
      for (std::size_t k = before; k < found.size(); ++k) {
        REQUIRE(found[k].outcome == Outcome::fell);
        REQUIRE(found[k].end_ns == point.time_ns);
      }
      BurstDetector ended = detector;
      std::vector<Burst> up;
      ended.finish(Outcome::ongoing, up);
      REQUIRE(up == detector.open(Outcome::ongoing));
    }
    const std::size_t fallen = found.size();
    detector.finish(Outcome::ongoing, found);
    INFO("series " << i << " " << describe(input, found));
    for (std::size_t k = 0; k < found.size(); ++k) {
      check(input, found[k]);
      REQUIRE((found[k].outcome == Outcome::ongoing) == (k >= fallen));
      for (std::size_t other = 0; other < k; ++other) {
        REQUIRE(are_nested(found[other], found[k]));
        inner += found[other].floor.time_ns >= found[k].floor.time_ns ? 1 : 0;
      }
    }
    bursts += found.size();
  }
  CHECK(bursts > 30'000);
  CHECK(inner > 1'000);
}

TEST_CASE("bursts: memory is bounded whatever comes, and the corners stay near") {
  Random random(5);
  for (int shape = 0; shape < 5; ++shape) {
    BurstDetector detector(1000);
    std::vector<Burst> found;
    std::uint64_t value = 0;
    for (std::uint64_t i = 0; i < 300'000; ++i) {
      value = next_value(random, shape, 1'000'000, value);
      detector.push({1'000'000 + i * 1000, value}, found);
      if (found.size() > 1000) found.clear();
      if (below(random, 1000) == 0) detector.note_kill(1'000'000 + i * 1000, found);
    }
    INFO("shape " << shape);
    CHECK(detector.memory_bytes() < 150'000);
  }
  BurstDetector ramp(1000);
  std::vector<Burst> found;
  for (std::uint64_t i = 0; i <= 200'000; ++i)
    ramp.push({i * 1000, i < 50'000 ? 0 : (i - 50'000) * 10}, found);
  ramp.push({200'001'000, 0}, found);
  REQUIRE(found.size() == 1);
  CHECK(found[0].rise_begin.time_ns == 50'001'000);
  CHECK(found[0].rise_end.time_ns == 200'000'000);
  CHECK(ramp.memory_bytes() < 150'000);
}
