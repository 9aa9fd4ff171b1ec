#include "timeline/rise.h"

#include <algorithm>
#include <cmath>

namespace memspike::timeline {
namespace {

using Rows = std::vector<UsageAt>;

std::uint64_t turn_of(const Rows& rows, std::uint64_t min_rise_bytes) {
  const auto by_usage = [](const UsageAt& a, const UsageAt& b) { return a.usage_bytes < b.usage_bytes; };
  const auto [lowest, highest] = std::minmax_element(rows.begin(), rows.end(), by_usage);
  return std::max({(highest->usage_bytes - lowest->usage_bytes) / 4, min_rise_bytes, std::uint64_t{1}});
}

// How far a row lies above the straight line between two others.
double above_line(const UsageAt& row, const UsageAt& from, const UsageAt& to) {
  const auto since = [&](std::uint64_t time_ns) { return static_cast<double>(time_ns - from.time_ns); };
  const auto over = [&](const UsageAt& other) {
    return static_cast<double>(other.usage_bytes) - static_cast<double>(from.usage_bytes);
  };
  const double duration = since(to.time_ns);
  return over(row) - (duration > 0 ? over(to) * since(row.time_ns) / duration : 0);
}

// An even rise is a staircase: its steps leave the straight line, too. A corner does so by more.
double least_distance(const Rows& rows, std::size_t floor, std::size_t top) {
  constexpr double kShareOfHeight = 0.05;
  return static_cast<double>(rows[top].usage_bytes - rows[floor].usage_bytes) * kShareOfHeight;
}

std::size_t corner_at_floor(const Rows& rows, std::size_t floor, std::size_t top) {
  const std::uint64_t tenth = (rows[top].usage_bytes - rows[floor].usage_bytes) / 10;
  std::size_t corner = floor;
  double farthest = least_distance(rows, floor, top);
  for (std::size_t i = floor + 1; i < top; ++i) {
    if (rows[i].usage_bytes > rows[floor].usage_bytes + tenth) continue;
    const double below = -above_line(rows[i], rows[floor], rows[top]);
    if (below < farthest) continue;
    farthest = below;
    corner = i;
  }
  return corner;
}

std::size_t corner_at_top(const Rows& rows, std::size_t baseline, std::size_t floor, std::size_t top) {
  const std::uint64_t tenth = (rows[top].usage_bytes - rows[floor].usage_bytes) / 10;
  std::size_t corner = top;
  double farthest = least_distance(rows, floor, top);
  for (std::size_t i = top; i-- > baseline + 1;) {
    if (rows[i].usage_bytes + tenth < rows[top].usage_bytes) continue;
    const double above = above_line(rows[i], rows[baseline], rows[top]);
    if (above < farthest) continue;
    farthest = above;
    corner = i;
  }
  return corner;
}

// The first row above the baseline, if it is of the lowest tenth, too.
UsageAt first_move(const Rows& rows, std::size_t floor, const Rise& rise) {
  const std::uint64_t tenth = (rise.crest.usage_bytes - rows[floor].usage_bytes) / 10;
  std::size_t i = floor;
  while (rows[i] != rise.baseline) ++i;
  while (rows[i].usage_bytes <= rise.baseline.usage_bytes) ++i;
  return rows[i].usage_bytes <= rows[floor].usage_bytes + tenth ? rows[i] : rise.baseline;
}

}  // namespace

std::optional<Rise> final_rise(const std::vector<UsageAt>& rows, std::uint64_t min_rise_bytes) {
  if (rows.size() < 2) return std::nullopt;
  const std::uint64_t turn = turn_of(rows, min_rise_bytes);
  const auto usage = [&](std::size_t i) { return rows[i].usage_bytes; };
  std::size_t top = rows.size() - 1;
  std::size_t i = top;
  while (i > 0 && usage(top) - std::min(usage(top), usage(i)) < turn) {
    if (usage(--i) >= usage(top)) top = i;
  }
  if (usage(top) - std::min(usage(top), usage(i)) < turn) return std::nullopt;
  std::size_t floor = i;
  while (i > 0 && usage(i) - std::min(usage(floor), usage(i)) < turn) {
    if (usage(--i) <= usage(floor)) floor = i;
  }
  Rise rise = corners(rows, floor, top);
  rise.baseline = first_move(rows, floor, rise);
  return rise;
}

Rise corners(const std::vector<UsageAt>& rows, std::size_t floor, std::size_t top) {
  // The first look at the top is for the floor: seen from the end of a long stay, its corner is flat.
  const std::size_t baseline = corner_at_floor(rows, floor, corner_at_top(rows, floor, floor, top));
  return {rows[baseline], rows[corner_at_top(rows, baseline, floor, top)]};
}

std::optional<std::uint64_t> slope_bytes_per_second(const Rise& rise) {
  if (rise.crest.time_ns <= rise.baseline.time_ns) return std::nullopt;
  const double bytes = static_cast<double>(rise.crest.usage_bytes - rise.baseline.usage_bytes);
  const double seconds = static_cast<double>(rise.crest.time_ns - rise.baseline.time_ns) / 1e9;
  return static_cast<std::uint64_t>(std::llround(bytes / seconds));
}

}  // namespace memspike::timeline
