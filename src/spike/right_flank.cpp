#include "spike/right_flank.h"

#include <algorithm>

namespace memspike::spike {

void RightFlank::open(std::uint64_t height, std::uint64_t lowest_base) {
  if (!stretches_.empty()) close_gap(stretches_.back());
  stretches_.push_back({lows_.size(), lows_.size(), height,
                        level_above(lowest_base, height - lowest_base, tenths_).floor_bytes});
}

void RightFlank::add(const Low& low) {
  if (stretches_.empty()) return;
  Stretch* top = &stretches_.back();
  if (top->begin != top->end) {
    const std::uint64_t last = lows_.back().value;
    if (low.value >= last || last <= top->lowest_level) return;
  }
  if (lows_.size() >= thin_at_) thin();
  lows_.push_back(low);
  top->end = lows_.size();
  skip_unreachable(*top, low.value);
}

// As the lowest value falls, so does the level, at a slower pace: what lies above it
// is never asked for again, by this peak or by an earlier one of the same height.
void RightFlank::skip_unreachable(Stretch& top, std::uint64_t low_value) {
  const std::uint64_t level =
      std::max(top.lowest_level, level_above(low_value, top.height - low_value, tenths_).floor_bytes);
  while (lows_[top.begin].value > level) ++top.begin;
  const std::size_t below = stretches_.size() > 1 ? stretches_[stretches_.size() - 2].end : 0;
  const std::size_t gap = top.begin - below;
  if (gap > 64 && gap > top.end - top.begin) close_gap(top);
}

void RightFlank::close_gap(Stretch& top) {
  const std::size_t below = stretches_.size() > 1 ? stretches_[stretches_.size() - 2].end : 0;
  const std::size_t gap = top.begin - below;
  if (gap == 0) return;
  lows_.erase(lows_.begin() + static_cast<std::ptrdiff_t>(below),
              lows_.begin() + static_cast<std::ptrdiff_t>(top.begin));
  top.begin -= gap;
  top.end -= gap;
}

void RightFlank::close_down_to(std::size_t count) {
  stretches_.resize(count);
  lows_.resize(count == 0 ? 0 : stretches_.back().end);
}

void RightFlank::retain(const std::vector<bool>& keep) {
  std::vector<Low> lows;
  std::vector<Stretch> stretches;
  for (std::size_t i = 0; i < stretches_.size(); ++i) {
    const Stretch& old = stretches_[i];
    if (keep[i]) stretches.push_back({lows.size(), lows.size(), old.height, old.lowest_level});
    if (stretches.empty()) continue;
    for (std::size_t k = old.begin; k < old.end; ++k) {
      const bool first = stretches.back().begin == lows.size();
      if (first || lows_[k].value < lows.back().value) lows.push_back(lows_[k]);
    }
    stretches.back().end = lows.size();
  }
  lows_ = std::move(lows);
  stretches_ = std::move(stretches);
}

void RightFlank::thin() {
  std::vector<Low> lows;
  for (Stretch& stretch : stretches_) {
    const std::size_t begin = lows.size();
    for (std::size_t k = stretch.begin; k < stretch.end; ++k) {
      // The last one stays: it is the lowest.
      const bool dropped = (stretch.end - k) % 2 == 0;
      if (dropped) continue;
      lows.push_back(lows_[k]);
      if (k > stretch.begin) {
        lows.back().before_value = lows_[k - 1].before_value;
        lows.back().before_ns = lows_[k - 1].before_ns;
      }
    }
    stretch.begin = begin;
    stretch.end = lows.size();
  }
  lows_ = std::move(lows);
  // One low a peak cannot be thinned, but the number of peaks is bounded.
  thin_at_ = std::max(max_lows_, lows_.size() + lows_.size() / 2);
}

void EqualPeaks::enter(std::size_t stretch) {
  const RightFlank::Stretch& entering = flank_.stretches_[stretch];
  if (!seen_.empty() && entering.height != height_) seen_.clear();
  height_ = entering.height;
  if (entering.begin == entering.end) return;
  while (!seen_.empty() && min_of(seen_.back()) >= min_of(stretch)) seen_.pop_back();
  seen_.push_back(stretch);
}

const Low* EqualPeaks::first_at_or_below(std::uint64_t floor_bytes) const {
  const auto deeper = [&](std::uint64_t floor, std::size_t stretch) { return min_of(stretch) > floor; };
  const auto beyond = std::upper_bound(seen_.begin(), seen_.end(), floor_bytes, deeper);
  if (beyond == seen_.begin()) return nullptr;
  const RightFlank::Stretch& stretch = flank_.stretches_[*(beyond - 1)];
  const auto first = flank_.lows_.begin() + static_cast<std::ptrdiff_t>(stretch.begin);
  const auto last = flank_.lows_.begin() + static_cast<std::ptrdiff_t>(stretch.end);
  return &*std::partition_point(first, last, [&](const Low& low) { return low.value > floor_bytes; });
}

}  // namespace memspike::spike
