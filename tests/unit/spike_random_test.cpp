// The streaming detector against the definitions, on very many small series full of ties.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <sstream>
#include <tuple>

#include "spike_reference.h"

using namespace memspike::spike;
using spike_reference::Expected;
using spike_reference::Killed;

namespace {

using Random = std::mt19937_64;

std::uint64_t below(Random& random, std::uint64_t bound) { return random() % bound; }

struct Case {
  std::vector<Point> points;
  std::vector<std::uint64_t> kills_ns;
  std::uint64_t min_prominence_bytes = 1;
};

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
    default:  // long flat stretches
      return below(random, 3) != 0 ? previous : below(random, alphabet);
  }
}

Case random_case(Random& random) {
  Case result;
  const std::uint64_t alphabet = 2 + below(random, below(random, 4) == 0 ? 60 : 7);
  const std::uint64_t scale = below(random, 3) == 0 ? 1 + below(random, 1000) : 1;
  const std::uint64_t ground = below(random, 5) == 0 ? (std::uint64_t{1} << 62) + 1 : 0;
  const int shape = static_cast<int>(below(random, 4));
  const bool equal_times = below(random, 4) == 0;
  std::uint64_t time = 1'000'000'000'000'000 + below(random, 1000);
  std::uint64_t value = below(random, alphabet);
  for (std::uint64_t length = below(random, below(random, 8) == 0 ? 80 : 20); length > 0; --length) {
    value = next_value(random, shape, alphabet, value);
    time += equal_times && below(random, 2) == 0 ? 0 : 1 + below(random, 100'000);
    // Headrooms tell peaks of equal time and height apart.
    result.points.push_back({time, ground + value * scale, random() >> 1});
    if (below(random, 20) == 0) result.kills_ns.push_back(time + below(random, 3000));
  }
  std::sort(result.kills_ns.begin(), result.kills_ns.end());
  result.min_prominence_bytes = 1 + below(random, alphabet * scale);
  return result;
}

// A detector of a lower threshold, as where the threshold is chosen afterwards.
std::vector<Spike> stream(const Case& input, bool kills_late, std::uint64_t own_threshold_bytes) {
  Detector detector(own_threshold_bytes);
  std::vector<Spike> spikes;
  auto kill = input.kills_ns.begin();
  for (const Point& point : input.points) {
    if (kills_late) detector.push(point, spikes);
    for (; kill != input.kills_ns.end() && *kill <= point.time_ns; ++kill) detector.note_kill(*kill);
    if (!kills_late) detector.push(point, spikes);
  }
  for (; kill != input.kills_ns.end(); ++kill) detector.note_kill(*kill);
  detector.finish(spikes);
  std::erase_if(spikes, [&](const Spike& spike) { return !reaches(spike, input.min_prominence_bytes); });
  return spikes;
}

auto order_of(const Spike& spike) {
  return std::make_tuple(spike.up.has_value(), spike.peak_ns, spike.peak_bytes, spike.prominence_bytes,
                         spike.left_base_ns, spike.right_base_ns, spike.headroom_bytes);
}

bool near(std::uint64_t a, std::uint64_t b) { return (a > b ? a - b : b - a) <= 1; }

bool same(const Spike& found, const Expected& expected) {
  const Spike& spike = expected.spike;
  if (spike.outcome != Outcome::ongoing && expected.killed != Killed::unclear) {
    const Outcome outcome = expected.killed == Killed::yes ? Outcome::oom_kill : Outcome::fell;
    if (found.outcome != outcome) return false;
  }
  return (found.up.has_value()) == (spike.up.has_value()) && found.peak_ns == spike.peak_ns &&
         found.peak_bytes == spike.peak_bytes && found.prominence_bytes == spike.prominence_bytes &&
         found.left_base_ns == spike.left_base_ns && found.right_base_ns == spike.right_base_ns &&
         found.headroom_bytes == spike.headroom_bytes && near(found.width_ns, spike.width_ns) &&
         near(found.rise_ns, spike.rise_ns) && near(found.crest_ns, spike.crest_ns) &&
         near(found.crest_rise_ns, spike.crest_rise_ns);
}

bool agree(std::vector<Spike>& found, std::vector<Expected>& expected) {
  const auto earlier = [](const Spike& a, const Spike& b) { return order_of(a) < order_of(b); };
  std::sort(found.begin(), found.end(), earlier);
  std::sort(expected.begin(), expected.end(),
            [&](const Expected& a, const Expected& b) { return earlier(a.spike, b.spike); });
  return std::equal(found.begin(), found.end(), expected.begin(), expected.end(), same);
}

void print(std::ostream& out, const Spike& spike) {
  out << "  peak " << spike.peak_ns << " " << spike.peak_bytes << " prominence " << spike.prominence_bytes
      << " width " << spike.width_ns << " rise " << spike.rise_ns << " crest " << spike.crest_ns << " "
      << spike.crest_rise_ns << " bases " << spike.left_base_ns << " " << spike.right_base_ns << " headroom "
      << spike.headroom_bytes << " outcome " << static_cast<int>(spike.outcome) << "\n";
}

std::string describe(const Case& input, const std::vector<Spike>& found,
                     const std::vector<Expected>& expected) {
  std::ostringstream out;
  out << "threshold " << input.min_prominence_bytes << "\n";
  for (const Point& point : input.points) out << " (" << point.time_ns << "," << point.usage_bytes << ")";
  out << "\nkills";
  for (const std::uint64_t kill : input.kills_ns) out << " " << kill;
  out << "\nfound\n";
  for (const Spike& spike : found) print(out, spike);
  out << "expected\n";
  for (const Expected& one : expected) {
    print(out, one.spike);
    out << "    killed (no, yes, unclear) " << static_cast<int>(one.killed) << "\n";
  }
  return out.str();
}

}  // namespace

TEST_CASE("spikes: streaming agrees with the definitions on random series, at thresholds chosen afterwards") {
  Random random(20'231'124);
  std::size_t spikes = 0;
  std::size_t kills = 0;
  std::size_t ongoing = 0;
  for (int i = 0; i < 300'000; ++i) {
    const Case input = random_case(random);
    const std::uint64_t own = 1 + below(random, input.min_prominence_bytes);
    auto found = stream(input, i % 2 == 0, own);
    auto expected = spike_reference::spikes(input.points, input.min_prominence_bytes, input.kills_ns);
    if (!agree(found, expected)) FAIL("series " << i << " " << describe(input, found, expected));
    for (const Spike& spike : found) {
      ++spikes;
      kills += spike.outcome == Outcome::oom_kill ? 1 : 0;
      ongoing += spike.up ? 1 : 0;
    }
  }
  // The generator must keep visiting what the comparison is about.
  CHECK(spikes > 300'000);
  CHECK(kills > 10'000);
  CHECK(ongoing > 10'000);
}

TEST_CASE("spikes: streaming agrees with the definitions on long noisy series") {
  Random random(7);
  for (int i = 0; i < 40; ++i) {
    Case input;
    std::uint64_t time = 5'000'000'000;
    std::int64_t value = 1'000'000;
    const auto step = static_cast<std::int64_t>(1 + below(random, 5000));
    for (int k = 0; k < 1500; ++k) {
      time += below(random, 2'000'000);
      value += static_cast<std::int64_t>(below(random, 2 * step + 1)) - step;
      value = std::clamp<std::int64_t>(value, 0, 1'000'000 + 20 * step);  // a limit
      input.points.push_back({time, static_cast<std::uint64_t>(value), random() >> 1});
    }
    input.min_prominence_bytes = 1 + below(random, 20 * step);
    auto found = stream(input, false, 1 + below(random, input.min_prominence_bytes));
    auto expected = spike_reference::spikes(input.points, input.min_prominence_bytes);
    if (!agree(found, expected)) FAIL("series " << i << " " << describe(input, found, expected));
  }
}
