#include "spike/pending_peaks.h"

#include <algorithm>

namespace memspike::spike {
namespace {

constexpr std::uint64_t kForever = std::numeric_limits<std::uint64_t>::max();

}  // namespace

PendingPeaks::PendingPeaks(std::uint64_t min_prominence_bytes, const Limits& limits, LeftFlank& flank)
    : min_prominence_bytes_(min_prominence_bytes),
      limits_(limits),
      flank_(flank),
      right_sides_{RightSide(limits.flank_rows, kHalfTenths), RightSide(limits.flank_rows, kHighTenths)},
      forget_kills_at_(limits.kills) {}

PendingPeaks::PendingPeaks(const PendingPeaks& other, LeftFlank& flank)
    : min_prominence_bytes_(other.min_prominence_bytes_),
      limits_(other.limits_),
      flank_(flank),
      right_sides_(other.right_sides_),
      kills_(other.kills_),
      forget_kills_at_(other.forget_kills_at_),
      peaks_(other.peaks_),
      undecided_(other.undecided_),
      left_(other.left_),
      found_half_(other.found_half_),
      found_low_(other.found_low_),
      found_high_(other.found_high_) {}

void PendingPeaks::open(const Crest& crest, std::vector<Spike>& out) {
  Extreme left = left_;
  if (!undecided_.empty()) {
    // An equally high peak does not end the walk to the left.
    const Pending& last = peaks_[undecided_.back()];
    if (last.spike.peak_bytes == crest.bytes && last.left_min < left.min) {
      left = {last.left_min, last.spike.left_base_ns};
    }
  }
  if (crest.bytes - left.min < min_prominence_bytes_) return;
  make_room(out);

  Pending peak;
  peak.spike.peak_ns = crest.ns;
  peak.spike.peak_bytes = crest.bytes;
  peak.spike.headroom_bytes = crest.headroom_bytes;
  peak.spike.left_base_ns = left.ns;
  peak.left_min = left.min;
  peak.right = {crest.bytes, crest.ns};
  peak.flank = flank_.hold();
  undecided_.push_back(peaks_.size());
  peaks_.push_back(peak);
  for (RightSide& side : right_sides_) side.flank.open(crest.bytes, left.min);
  left_ = {};
}

void PendingPeaks::fall(const Low& low) {
  if (peaks_.empty()) return;
  Extreme& right = peaks_.back().right;
  if (low.value < right.min) right = {low.value, low.ns};
  while (!undecided_.empty()) {
    for (RightSide& side : right_sides_) side.flank.add(low);
    if (peaks_[undecided_.back()].left_min < low.value) return;
    // Equal peaks share the left minimum while undecided: decide them together.
    const std::uint64_t height = peaks_[undecided_.back()].spike.peak_bytes;
    start_pass();
    while (!undecided_.empty() && peaks_[undecided_.back()].spike.peak_bytes == height) {
      Pending& peak = peaks_[undecided_.back()];
      enter_equal_peaks(undecided_.size() - 1);
      conclude(peak, low.value);
      undecided_.pop_back();
    }
    close_right_down_to(undecided_.size());
  }
}

void PendingPeaks::close_below(std::uint64_t height, std::vector<Spike>& out) {
  if (peaks_.empty() || peaks_.back().spike.peak_bytes >= height) return;
  start_pass();
  while (!peaks_.empty() && peaks_.back().spike.peak_bytes < height) close_last(out);
  close_right_down_to(undecided_.size());
}

// The right side of the last pending peak is complete.
void PendingPeaks::close_last(std::vector<Spike>& out) {
  Pending& peak = peaks_.back();
  if (!peak.decided) {
    enter_equal_peaks(undecided_.size() - 1);
    conclude(peak, peak.right.min);
    undecided_.pop_back();
    if (peak.left_min < left_.min) left_ = {peak.left_min, peak.spike.left_base_ns};
  }
  if (peak.decided) emit(peak, peak.right.ns, out);
  const Extreme right = peak.right;
  peaks_.pop_back();
  if (!peaks_.empty() && right.min < peaks_.back().right.min) peaks_.back().right = right;
}

// Decides an undecided peak that the equal peaks' questions are about, if it qualifies.
void PendingPeaks::conclude(Pending& peak, std::uint64_t right_min) {
  const std::uint64_t base = std::max(peak.left_min, right_min);
  if (peak.spike.peak_bytes - base >= min_prominence_bytes_) {
    measure(peak, base, 0);
    peak.decided = true;
    if (keeps_confirmed_) {
      finalize(peak, peak.right.ns);
      confirmed_.push_back(peak.spike);
    }
  }
  flank_.let_go(peak.flank);
  peak.flank = LeftFlank::kNone;
}

// `last_ns` ends what has no row at or below its level on the right.
void PendingPeaks::measure(Pending& peak, std::uint64_t base_bytes, std::uint64_t last_ns) {
  Spike& spike = peak.spike;
  spike.prominence_bytes = spike.peak_bytes - base_bytes;
  const auto level = [&](std::uint64_t tenths) {
    return level_above(base_bytes, spike.prominence_bytes, tenths);
  };
  const Level half = level(kHalfTenths);
  const Level high = level(kHighTenths);
  const Moment left_half = left_crossing(peak, half, found_half_);
  const Moment left_high = left_crossing(peak, high, found_high_);
  const Moment right_half = right_crossing(right_sides_[0], half, last_ns);
  spike.width_ns = duration_ns(left_half, right_half);
  const Moment left_low = left_crossing(peak, level(kLowTenths), found_low_);
  spike.rise_ns = duration_ns(left_low, left_high);
  spike.rise_begin_ns = left_low.row_ns + static_cast<std::uint64_t>(left_low.offset_ns);
  spike.crest_ns = duration_ns(left_high, right_crossing(right_sides_[1], high, last_ns));
  spike.crest_rise_ns = duration_ns(left_high, {spike.peak_ns, 0});
  spike.half_begin_ns = left_half.row_ns + static_cast<std::uint64_t>(left_half.offset_ns);
  peak.half_last_ns = right_half.row_ns;
}

Moment PendingPeaks::right_crossing(const RightSide& side, const Level& level, std::uint64_t last_ns) {
  const Low* low = side.equal_peaks.first_at_or_below(level.floor_bytes);
  return low != nullptr ? crossing(*low, level) : Moment{last_ns, 0};
}

Moment PendingPeaks::left_crossing(const Pending& peak, const Level& level, Found& found) const {
  // Where a later peak's walk for the same level ended left of this one, this one's ends, too.
  // Without this, many equal peaks above one long rise would each walk all of it.
  if (found.floor_bytes != level.floor_bytes || found.ns >= peak.spike.peak_ns) {
    found.node = flank_.nearest_at_or_below(peak.flank, level.floor_bytes);
    found.floor_bytes = level.floor_bytes;
    found.ns = flank_.row_ns(found.node);
  }
  return flank_.crossing(found.node, level);
}

void PendingPeaks::enter_equal_peaks(std::size_t stretch) {
  for (RightSide& side : right_sides_) side.equal_peaks.enter(stretch);
}

void PendingPeaks::close_right_down_to(std::size_t count) {
  for (RightSide& side : right_sides_) side.flank.close_down_to(count);
}

void PendingPeaks::start_pass() {
  for (RightSide& side : right_sides_) side.equal_peaks.clear();
  found_half_ = found_low_ = found_high_ = Found{};
}

void PendingPeaks::finalize(Pending& peak, std::uint64_t right_base_ns) const {
  peak.spike.right_base_ns = right_base_ns;
  peak.spike.outcome =
      kills_.any_within(peak.spike.half_begin_ns, peak.half_last_ns) ? Outcome::oom_kill : Outcome::fell;
}

void PendingPeaks::emit(Pending& peak, std::uint64_t right_base_ns, std::vector<Spike>& out) const {
  finalize(peak, right_base_ns);
  out.push_back(peak.spike);
}

// A top that usage has not left by half of its height. Of equal tops the later ones have fallen less far:
// each speaks for the thresholds that those before it do not reach down to.
void PendingPeaks::add_up(Pending& peak, std::uint64_t last_ns, std::vector<Spike>& up) {
  constexpr std::size_t kMaxUp = 64;
  const std::uint64_t height_bytes = peak.spike.peak_bytes - peak.left_min;
  const std::uint64_t fallen_bytes = peak.spike.peak_bytes - peak.right.min;
  if (fallen_bytes >= height_bytes - fallen_bytes) return;
  enter_equal_peaks(undecided_.size() - 1);
  measure(peak, peak.left_min, last_ns);
  Spike spike = peak.spike;
  spike.right_base_ns = last_ns;
  spike.up = {fallen_bytes, height_bytes};
  spike.outcome = kills_.any_within(spike.half_begin_ns, kForever) ? Outcome::oom_kill : Outcome::ongoing;
  const bool same_top = !up.empty() && up.back().peak_bytes == spike.peak_bytes;
  if (same_top && (up.back().up->above_bytes == fallen_bytes || up.size() >= kMaxUp)) {
    spike.up->above_bytes = up.back().up->above_bytes;
    up.pop_back();
  } else if (same_top) {
    up.back().up->to_bytes = fallen_bytes;
  }
  up.push_back(spike);
}

void PendingPeaks::finish(std::uint64_t last_ns, std::vector<Spike>& out) {
  std::vector<Spike> up;
  start_pass();
  while (!peaks_.empty()) {
    if (!peaks_.back().decided) add_up(peaks_.back(), last_ns, up);
    close_last(out);
  }
  for (auto spike = up.rbegin(); spike != up.rend(); ++spike) {
    if (keeps_confirmed_) confirmed_.push_back(*spike);
    out.push_back(*spike);
  }
}

}  // namespace memspike::spike
