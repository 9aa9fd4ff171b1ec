#include "advice/advice.h"

#include <algorithm>
#include <bit>

namespace memspike::advice {
namespace {

constexpr std::uint64_t kMiB = 1U << 20;
constexpr std::array<unsigned, 3> kPercents{100, 99, 95};
constexpr std::uint64_t kCurvePoints = 6;

// A spike that is cut off is taken to rise on as it did, for as long as the median of those that were
// not cut off rises: usage = height + slope * what is left of that time. Its slope is the median over
// the cut-off ones, over the last tenth of their height; the time so far follows from the slope and
// the level that it lives at. Nothing where that time is over, and no spike fell to learn it from.
std::optional<std::uint64_t> extrapolate(const Observed& observed, std::uint64_t typical_bytes) {
  const auto& slopes = observed.cut_off_bytes_per_second;
  const auto& rises = observed.fallen_rise_ns;
  if (slopes.count() == 0 || rises.count() == 0) return std::nullopt;
  const double slope = static_cast<double>(slopes.value_at_percentile(50)) / 1e9;
  if (slope <= 0) return std::nullopt;
  const double height = static_cast<double>(observed.heights.highest_bytes());
  const double whole_ns = static_cast<double>(rises.value_at_percentile(50)) / 0.8;  // of 10 % to 90 %
  const double so_far_ns = (height - static_cast<double>(typical_bytes)) / slope;
  if (so_far_ns >= whole_ns) return std::nullopt;
  const double estimate = height + slope * (whole_ns - so_far_ns);
  return estimate < 9e18 ? std::optional(static_cast<std::uint64_t>(estimate)) : std::nullopt;
}

std::uint64_t with_margin(std::uint64_t bytes) { return rounded_up(bytes + bytes / 100 * kMarginPercent); }

Bound bound_for(unsigned percent, const Heights& heights, std::uint64_t floor_bytes) {
  const auto height = heights.holding(percent);
  const std::uint64_t bytes = height.value_or(floor_bytes);
  return {percent, bytes, with_margin(bytes), !height};
}

// From what holds half of the spikes to the advice, evenly spaced, and the current limit.
std::vector<Candidate> curve_of(const Heights& heights, const Advice& advice,
                                std::optional<std::uint64_t> limit_bytes) {
  const std::uint64_t high = advice.all().limit_bytes;
  const std::uint64_t low = std::min(rounded_up(heights.holding(50).value_or(heights.highest_bytes())), high);
  std::vector<std::uint64_t> limits;
  for (std::uint64_t i = 0; i < kCurvePoints; ++i) {
    limits.push_back(std::min(high, rounded_up(low + (high - low) / (kCurvePoints - 1) * i)));
  }
  limits.push_back(high);
  if (limit_bytes && *limit_bytes > 0) limits.push_back(*limit_bytes);
  std::sort(limits.begin(), limits.end());
  limits.erase(std::unique(limits.begin(), limits.end()), limits.end());
  std::vector<Candidate> curve;
  for (const std::uint64_t limit : limits) {
    const Heights::Count held = heights.held_by(limit);
    curve.push_back({limit, held.fell, held.cut_off});
  }
  return curve;
}

}  // namespace

std::uint64_t rounded_up(std::uint64_t bytes) {
  const std::uint64_t step = std::max(kMiB, std::bit_floor(bytes / 32));
  const std::uint64_t rest = bytes % step;
  return rest == 0 ? bytes : bytes + (step - rest);
}

std::optional<Advice> advise(const Observed& observed, std::optional<std::uint64_t> typical_bytes,
                             std::optional<std::uint64_t> limit_bytes) {
  const Heights& heights = observed.heights;
  if (heights.total() == 0) return std::nullopt;
  Advice advice;
  advice.spikes = heights.total();
  advice.cut_off = heights.cut_off();
  if (!heights.holding(100)) advice.extrapolated_bytes = extrapolate(observed, typical_bytes.value_or(0));
  const std::uint64_t floor_bytes = advice.extrapolated_bytes.value_or(heights.highest_bytes());
  for (std::size_t i = 0; i < kPercents.size(); ++i) {
    advice.bounds[i] = bound_for(kPercents[i], heights, floor_bytes);
  }
  advice.curve = curve_of(heights, advice, limit_bytes);
  if (typical_bytes) advice.request_bytes = rounded_up(*typical_bytes);
  return advice;
}

}  // namespace memspike::advice
