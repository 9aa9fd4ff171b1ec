#include "advice/observed.h"

namespace memspike::advice {
namespace {

// percent of the limit, rounded up: usage reaches it exactly when it is at least that.
std::uint64_t share_of(std::uint64_t limit_bytes, unsigned percent) {
  return limit_bytes / 100 * percent + (limit_bytes % 100 * percent + 99) / 100;
}

// Over the last tenth of the height: a container that gets killed spent most of its height on its start.
std::optional<std::uint64_t> slope_at_top(const spike::Spike& spike) {
  if (spike.crest_rise_ns == 0) return std::nullopt;  // between two looks
  const double bytes = static_cast<double>(spike.prominence_bytes) / 10;
  const double slope = bytes * 1e9 / static_cast<double>(spike.crest_rise_ns);
  return slope < 9e18 ? std::optional(static_cast<std::uint64_t>(slope)) : std::nullopt;
}

}  // namespace

void TimeAbove::hold(std::uint64_t duration_ns, std::uint64_t usage_bytes, OptionalBytes limit_bytes) {
  if (!limit_bytes) return;
  if (*limit_bytes != limit_bytes_) {
    limit_bytes_ = *limit_bytes;
    for (std::size_t i = 0; i < kPercents.size(); ++i)
      shares_bytes_[i] = share_of(limit_bytes_, kPercents[i]);
  }
  limited_ns += duration_ns;
  for (std::size_t i = 0; i < kPercents.size(); ++i) {
    if (usage_bytes >= shares_bytes_[i]) above_ns[i] += duration_ns;
  }
}

void TimeAbove::merge(const TimeAbove& other) {
  limited_ns += other.limited_ns;
  for (std::size_t i = 0; i < kPercents.size(); ++i) above_ns[i] += other.above_ns[i];
}

void Observed::add(const spike::Spike& spike) {
  const bool same_top = last_ && spike::is_same_top(*last_, spike);
  last_ = spike;
  if (same_top) return;
  const bool cut_off = spike.outcome == spike::Outcome::oom_kill;
  heights.add(spike.peak_bytes, cut_off);
  if (cut_off) {
    if (const auto slope = slope_at_top(spike)) cut_off_bytes_per_second.record(*slope);
  } else if (spike.outcome == spike::Outcome::fell) {
    fallen_rise_ns.record(spike.rise_ns);
  }
}

// 10 % to 90 % of an even rise are eight tenths of its time.
void Observed::add(const spike::Burst& burst) {
  heights.add(burst.top.usage_bytes, burst.is_cut_off());
  if (burst.is_held_down()) {
    ++held_down;  // how fast it rose when it was throttled says nothing of what it wanted
  } else if (burst.outcome == spike::Outcome::oom_kill) {
    if (const auto slope = burst.slope_bytes_per_second()) cut_off_bytes_per_second.record(*slope);
  } else if (burst.outcome == spike::Outcome::fell) {
    fallen_rise_ns.record(burst.rise_ns() / 10 * 8);
  }
}

void Observed::merge(const Observed& other) {
  heights.merge(other.heights);
  fallen_rise_ns.merge(other.fallen_rise_ns);
  cut_off_bytes_per_second.merge(other.cut_off_bytes_per_second);
  time_above.merge(other.time_above);
  held_down += other.held_down;
}

}  // namespace memspike::advice
