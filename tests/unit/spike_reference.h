// What find_peaks, peak_prominences and peak_widths do, written out as their definitions
// read, in quadratic time and without streaming. Times interpolate in long double.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "spike/detector.h"

namespace spike_reference {

using memspike::spike::Outcome;
using memspike::spike::Point;
using memspike::spike::Spike;

struct Peak {
  std::size_t row = 0;
  std::size_t first = 0;  // of the plateau
  std::size_t last = 0;
};

// The series with, perhaps, one row of minus infinity behind its end.
class Series {
 public:
  Series(const std::vector<Point>& points, bool falls_at_the_end) : points_(points) {
    // Above the lowest sample, for a long double has no room for 2^62 and a fraction.
    std::uint64_t lowest = std::numeric_limits<std::uint64_t>::max();
    for (const Point& point : points) lowest = std::min(lowest, point.usage_bytes);
    for (const Point& point : points) {
      values_.push_back(static_cast<long double>(point.usage_bytes - lowest));
    }
    if (falls_at_the_end) values_.push_back(-std::numeric_limits<long double>::infinity());
  }

  std::vector<Peak> local_maxima() const {
    std::vector<Peak> peaks;
    for (std::size_t i = 1; i + 1 < values_.size(); ++i) {
      if (!(values_[i - 1] < values_[i])) continue;
      std::size_t ahead = i + 1;
      while (ahead + 1 < values_.size() && values_[ahead] == values_[i]) ++ahead;
      if (values_[ahead] < values_[i]) peaks.push_back({(i + ahead - 1) / 2, i, ahead - 1});
    }
    return peaks;
  }

  // Everything but the outcome of kills.
  Spike measure(const Peak& peak) const {
    const long double height = values_[peak.row];
    std::size_t left_base = peak.row;
    for (std::size_t i = peak.row + 1; i-- > 0 && values_[i] <= height;) {
      if (values_[i] < values_[left_base]) left_base = i;
    }
    std::size_t right_base = peak.row;
    for (std::size_t i = peak.row; i < values_.size() && values_[i] <= height; ++i) {
      if (values_[i] < values_[right_base]) right_base = i;
    }
    const long double prominence = height - std::fmax(values_[left_base], values_[right_base]);

    Spike spike;
    spike.peak_ns = points_[peak.row].time_ns;
    spike.peak_bytes = points_[peak.row].usage_bytes;
    spike.prominence_bytes = static_cast<std::uint64_t>(prominence);
    spike.left_base_ns = time_of(left_base);
    spike.right_base_ns = time_of(right_base);
    spike.width_ns =
        rounded(right_crossing(peak, height - prominence / 2) - left_crossing(peak, height - prominence / 2));
    spike.rise_ns = rounded(left_crossing(peak, height - prominence / 10) -
                            left_crossing(peak, height - prominence * 9 / 10));
    const long double high = height - prominence / 10;
    spike.crest_ns = rounded(right_crossing(peak, high) - left_crossing(peak, high));
    spike.crest_rise_ns = rounded(time(peak.row) - left_crossing(peak, high));
    for (std::size_t i = peak.first; i <= peak.last; ++i) {
      spike.headroom_bytes = std::min(spike.headroom_bytes, points_[i].headroom_bytes);
    }
    return spike;
  }

  long double left_crossing(const Peak& peak, long double level) const {
    std::size_t i = peak.row;
    while (level < values_[i]) --i;
    const long double share = (level - values_[i]) / (values_[i + 1] - values_[i]);
    return time(i) + share * (time(i + 1) - time(i));
  }

  std::size_t right_row(const Peak& peak, long double level) const {
    std::size_t i = peak.row;
    while (level < values_[i]) ++i;
    return i;
  }

  long double right_crossing(const Peak& peak, long double level) const {
    const std::size_t i = right_row(peak, level);
    if (i == points_.size()) return time(i - 1);
    const long double share = (level - values_[i]) / (values_[i - 1] - values_[i]);
    return time(i) - share * (time(i) - time(i - 1));
  }

  // How far the rows behind the peak, the real ones, lie below it.
  std::uint64_t fallen_bytes(const Peak& peak) const {
    std::uint64_t lowest = points_[peak.row].usage_bytes;
    for (std::size_t i = peak.row; i < points_.size(); ++i) {
      lowest = std::min(lowest, points_[i].usage_bytes);
    }
    return points_[peak.row].usage_bytes - lowest;
  }

  long double height(const Peak& peak) const { return values_[peak.row]; }

  std::uint64_t time_of(std::size_t row) const { return points_[std::min(row, points_.size() - 1)].time_ns; }

 private:
  // 64 bits of mantissa hold every monotonic time and most of a fraction.
  long double time(std::size_t row) const { return static_cast<long double>(time_of(row)); }
  static std::uint64_t rounded(long double ns) { return static_cast<std::uint64_t>(std::llroundl(ns)); }

  const std::vector<Point>& points_;
  std::vector<long double> values_;
};

// Whether a kill within the upper half makes the spike an oom_kill; 'unclear' on the very edge
// of an interpolated crossing, where rounding may go either way.
enum class Killed { no, yes, unclear };

inline Killed killed(const Series& series, const Peak& peak, const Spike& spike,
                     const std::vector<std::uint64_t>& kills_ns) {
  const long double half = series.height(peak) - static_cast<long double>(spike.prominence_bytes) / 2;
  const long double first = series.left_crossing(peak, half);
  const std::uint64_t last = series.time_of(series.right_row(peak, half));
  Killed result = Killed::no;
  for (const std::uint64_t kill : kills_ns) {
    const long double after = static_cast<long double>(kill) - first;
    if (kill > last || after < -1.5L) continue;
    if (after > 0.5L) return Killed::yes;
    result = Killed::unclear;
  }
  return result;
}

struct Expected {
  Spike spike;
  Killed killed = Killed::no;
};

// All spikes of the series in order of time; behind them the rise of at least the threshold that the end
// finds up, if any: not fallen by half of its height, and no spike itself.
inline std::vector<Expected> spikes(const std::vector<Point>& points, std::uint64_t min_prominence_bytes,
                                    const std::vector<std::uint64_t>& kills_ns = {}) {
  std::vector<Expected> result;
  const Series real(points, false);
  std::vector<std::size_t> rows;
  for (const Peak& peak : real.local_maxima()) {
    const Spike spike = real.measure(peak);
    if (spike.prominence_bytes < min_prominence_bytes) continue;
    result.push_back({spike, killed(real, peak, spike, kills_ns)});
    rows.push_back(peak.row);
  }
  const Series ended(points, true);
  for (const Peak& peak : ended.local_maxima()) {
    Spike spike = ended.measure(peak);
    if (spike.prominence_bytes < min_prominence_bytes) continue;
    if (std::find(rows.begin(), rows.end(), peak.row) != rows.end()) continue;
    const std::uint64_t fallen = ended.fallen_bytes(peak);
    if (fallen >= spike.prominence_bytes - fallen) continue;
    spike.outcome = Outcome::ongoing;
    spike.up = {fallen, spike.prominence_bytes};
    result.push_back({spike, killed(ended, peak, spike, kills_ns)});
    break;
  }
  return result;
}

}  // namespace spike_reference
