// The way down from the pending peaks: which samples a walk to the right can stop at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "spike/level.h"

namespace memspike::spike {

// A new low to the right of a peak, and the row before it (higher) to interpolate from.
struct Low {
  std::uint64_t value = 0;
  std::uint64_t ns = 0;
  std::uint64_t before_value = 0;
  std::uint64_t before_ns = 0;
};

inline Moment crossing(const Low& low, const Level& level) {
  return {low.ns,
          -share_of_way(level, low.value, low.before_value) * static_cast<double>(low.ns - low.before_ns)};
}

// One stack of lows for all undecided peaks and one relative height. Each peak owns a stretch of it: the new
// lows since the peak, strictly falling, until the next undecided peak. Only the topmost grows.
//
// More than max_lows lows are thinned to about half: every other low of each stretch is then
// interpolated between its neighbours.
class RightFlank {
 public:
  // `tenths`: the one level that is asked for, base + tenths/10 of the prominence.
  RightFlank(std::size_t max_lows, std::uint64_t tenths)
      : max_lows_(max_lows), thin_at_(max_lows), tenths_(tenths) {}

  // A peak becomes the topmost. Its base will be at least `lowest_base`; nothing beyond the first
  // low down at the level above that base is needed.
  void open(std::uint64_t height, std::uint64_t lowest_base);

  // A falling row. Kept when it is a new low since the topmost peak.
  void add(const Low& low);

  // Forgets the topmost stretches, so that `count` remain.
  void close_down_to(std::size_t count);

  // Forgets the stretches whose flag is false. What is a new low to the peak before, too, moves to it.
  void retain(const std::vector<bool>& keep);

  std::size_t memory_bytes() const {
    return lows_.capacity() * sizeof(Low) + stretches_.capacity() * sizeof(Stretch);
  }

 private:
  friend class EqualPeaks;
  struct Stretch {
    std::size_t begin;
    std::size_t end;
    std::uint64_t height;
    std::uint64_t lowest_level;
  };

  void skip_unreachable(Stretch& top, std::uint64_t low_value);
  void close_gap(Stretch& top);
  void thin();

  std::vector<Low> lows_;
  std::vector<Stretch> stretches_;
  std::size_t max_lows_;
  std::size_t thin_at_;
  std::uint64_t tenths_;
};

// Answers "first low at or below a level to the right of a peak" for undecided peaks of
// equal height: they see past each other. They enter from the latest to the earliest.
class EqualPeaks {
 public:
  explicit EqualPeaks(const RightFlank& flank) : flank_(flank) {}
  // The same of a copy of the flank.
  EqualPeaks(const EqualPeaks& other, const RightFlank& flank)
      : flank_(flank), seen_(other.seen_), height_(other.height_) {}

  void clear() { seen_.clear(); }
  // The peak that owns this stretch becomes the one that is asked about.
  void enter(std::size_t stretch);
  // nullptr: not reached.
  const Low* first_at_or_below(std::uint64_t floor_bytes) const;

 private:
  std::uint64_t min_of(std::size_t stretch) const {
    return flank_.lows_[flank_.stretches_[stretch].end - 1].value;
  }

  const RightFlank& flank_;
  // Stretches that go lower than all between them and the peak: from the lowest and latest
  // to the nearest.
  std::vector<std::size_t> seen_;
  std::uint64_t height_ = 0;
};

}  // namespace memspike::spike
