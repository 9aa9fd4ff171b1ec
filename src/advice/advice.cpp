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

// What every limit must hold, however few of the spikes it is meant for.
struct Least {
  std::uint64_t limit_bytes = 0;
  Basis basis = Basis::level;
  std::uint64_t basis_bytes = 0;

  void raise(std::uint64_t limit, Basis why, std::uint64_t bytes) {
    if (limit > limit_bytes) *this = {limit, why, bytes};
  }
};

Least least_of(const Known& known) {
  Least least;
  const std::uint64_t level_bytes = known.level_bytes.value_or(0);
  least.raise(rounded_up(level_bytes), Basis::level, level_bytes);
  // Where it has no level, what it held is no exception that 1 % or 5 % could be spared for.
  if (!known.level_bytes) least.raise(with_margin(known.held_bytes), Basis::held, known.held_bytes);
  least.raise(with_margin(known.told_bytes), Basis::told, known.told_bytes);
  if (known.follows_limit || known.killed_from_outside) {
    const std::uint64_t today_bytes = known.limit_bytes.value_or(0);
    least.raise(today_bytes, Basis::today, today_bytes);
  }
  return least;
}

Bound bound_for(unsigned percent, const Heights& heights, std::uint64_t floor_bytes, const Least& least) {
  const auto height = heights.holding(percent);
  const std::uint64_t bytes = height.value_or(floor_bytes);
  return {percent, bytes, std::max(with_margin(bytes), least.limit_bytes), !height};
}

// The limit for all, by whatever asks for the most.
void decide(Advice& advice, const Known& known, const Least& least) {
  Bound& all = advice.bounds.front();
  advice.basis = advice.extrapolated_bytes ? Basis::extrapolated : Basis::spikes;
  advice.basis_bytes = all.height_bytes;
  if (least.limit_bytes > with_margin(all.height_bytes)) {
    advice.basis = least.basis;
    advice.basis_bytes = least.basis_bytes;
  }
  if (with_margin(known.held_bytes) > all.limit_bytes) {
    all.limit_bytes = with_margin(known.held_bytes);
    advice.basis = Basis::held;
    advice.basis_bytes = known.held_bytes;
  }
}

// From what holds half of the spikes to the advice, evenly spaced, and the current limit.
std::vector<Candidate> curve_of(const Heights& heights, const Advice& advice,
                                std::optional<std::uint64_t> limit_bytes) {
  const std::uint64_t high = advice.all().limit_bytes;
  const std::uint64_t half = rounded_up(heights.holding(50).value_or(heights.highest_bytes()));
  const std::uint64_t low = std::min(std::max(half, advice.request_bytes.value_or(0)), high);
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

std::optional<Advice> advise(const Observed& observed, const Known& known) {
  const Heights& heights = observed.heights;
  if (heights.total() == 0) return std::nullopt;
  Advice advice;
  advice.spikes = heights.total();
  advice.cut_off = heights.cut_off();
  advice.held_down = observed.held_down;
  if (known.level_bytes) advice.request_bytes = rounded_up(*known.level_bytes);
  if (!heights.holding(100)) advice.extrapolated_bytes = extrapolate(observed, known.level_bytes.value_or(0));
  const std::uint64_t floor_bytes = advice.extrapolated_bytes.value_or(heights.highest_bytes());
  const Least least = least_of(known);
  for (std::size_t i = 0; i < kPercents.size(); ++i) {
    advice.bounds[i] = bound_for(kPercents[i], heights, floor_bytes, least);
  }
  decide(advice, known, least);
  advice.curve = curve_of(heights, advice, known.limit_bytes);
  return advice;
}

void raise_for_pod(Advice& advice, std::uint64_t by_bytes, std::uint64_t pod_bytes) {
  advice.bounds.front().limit_bytes = rounded_up(advice.bounds.front().limit_bytes + by_bytes);
  advice.basis = Basis::pod;
  advice.basis_bytes = pod_bytes;
}

std::optional<std::uint64_t> level_of(const histogram::Histogram& ns_at_usage) {
  constexpr std::uint64_t kLeastNs = 1'000'000'000;
  if (ns_at_usage.count() < kLeastNs) return std::nullopt;
  const std::uint64_t middle = ns_at_usage.value_at_percentile(50);
  const std::uint64_t low = ns_at_usage.value_at_percentile(25);
  const std::uint64_t high = ns_at_usage.value_at_percentile(75);
  if (middle == 0 || high / 2 > low) return std::nullopt;
  return middle;
}

}  // namespace memspike::advice
