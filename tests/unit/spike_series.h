// Short series for tests: one row every 10 s unless times are given.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "spike/detector.h"

namespace spike_series {

using memspike::spike::Detector;
using memspike::spike::Limits;
using memspike::spike::Point;
using memspike::spike::Spike;

// Monotonic time where doubles no longer hold every nanosecond's fraction.
constexpr std::uint64_t kStart = 900'000'000'000'000;
constexpr std::uint64_t kStep = 10'000'000'000;

inline std::uint64_t at(std::uint64_t row) { return kStart + row * kStep; }

inline std::vector<Point> rows(const std::vector<std::uint64_t>& values) {
  std::vector<Point> points;
  for (const std::uint64_t value : values) points.push_back({at(points.size()), value});
  return points;
}

inline std::vector<Spike> find_in_points(const std::vector<Point>& points, std::uint64_t min_prominence_bytes,
                                         const Limits& limits = {}) {
  Detector detector(min_prominence_bytes, limits);
  std::vector<Spike> spikes;
  for (const Point& point : points) detector.push(point, spikes);
  detector.finish(spikes);
  std::erase_if(spikes, [&](const Spike& spike) {
    return !memspike::spike::reaches(spike, std::max<std::uint64_t>(1, min_prominence_bytes));
  });
  return spikes;
}

inline std::vector<Spike> find(const std::vector<std::uint64_t>& values, std::uint64_t min_prominence_bytes) {
  return find_in_points(rows(values), min_prominence_bytes);
}

}  // namespace spike_series
