// The peaks whose fate is still open, and what they need to be decided.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "spike/detector.h"
#include "spike/kill_log.h"
#include "spike/left_flank.h"
#include "spike/right_flank.h"
#include "spike/spike.h"

namespace memspike::spike {

// Why this is enough (P is the threshold, "left" of a peak reaches back to the nearest
// higher sample, "right" forward to the next higher one):
//
// - A higher sample closes every lower pending peak: their right sides are complete. So the
//   heights of the pending peaks never increase, and each sample closes from the end.
// - The left side of a peak is complete when the peak is seen. One that stands less than P
//   above its left minimum can never qualify and is forgotten at once. Later, lower peaks
//   then look past it, but what they find there is higher than its height - P, hence of
//   no use to any of them that qualifies.
// - When the right side has come down to the left minimum, prominence, width, rise
//   and crest are final ("decided"); only a still lower right base can come. Such a peak no longer bounds
//   the left side of later ones either: they have passed a minimum at least as low, and nearer.
// - So among the undecided ones the left minima never decrease, and a new low
//   decides from the end, too.
class PendingPeaks {
 public:
  // A local maximum of the series.
  struct Crest {
    std::uint64_t ns = 0;
    std::uint64_t bytes = 0;
    std::uint64_t headroom_bytes = kNoHeadroom;
  };

  PendingPeaks(std::uint64_t min_prominence_bytes, const Limits& limits, LeftFlank& flank);
  // A copy over a copy of the flank. It keeps none that is confirmed.
  PendingPeaks(const PendingPeaks& other, LeftFlank& flank);

  // A local minimum has passed; last_ns is its last row.
  void valley(std::uint64_t value, std::uint64_t last_ns) {
    if (value <= left_.min) left_ = {value, last_ns};
  }

  // The series rises to `height`.
  void close_below(std::uint64_t height, std::vector<Spike>& out);

  // The series begins to fall from a local maximum; the left flank is still that of the maximum.
  void open(const Crest& crest, std::vector<Spike>& out);

  // The series falls to a row. Decides, but never emits.
  void fall(const Low& low);

  void note_kill(std::uint64_t time_ns, std::uint64_t now_value, std::uint64_t now_ns);

  // The series ends with a row at last_ns.
  void finish(std::uint64_t last_ns, std::vector<Spike>& out);

  // Keeps each spike from when it is decided, its right base being the lowest row so far.
  void keep_confirmed() { keeps_confirmed_ = true; }
  std::vector<Spike>& confirmed() { return confirmed_; }

  std::size_t memory_bytes() const {
    return peaks_.capacity() * sizeof(Pending) + undecided_.capacity() * sizeof(std::size_t) +
           right_sides_[0].flank.memory_bytes() + right_sides_[1].flank.memory_bytes() +
           kills_.memory_bytes();
  }

 private:
  struct Extreme {
    std::uint64_t min = std::numeric_limits<std::uint64_t>::max();
    std::uint64_t ns = 0;
  };
  struct Pending {
    Spike spike;
    std::uint64_t left_min = 0;
    Extreme right;  // from this peak to the next pending one; the first row when there are several
    std::uint64_t half_last_ns = 0;  // a kill from half_begin_ns until this row counts as its end
    LeftFlank::Node flank = LeftFlank::kNone;
    bool decided = false;
  };
  struct Found {  // a result of walking left, kept for the earlier peaks
    std::uint64_t floor_bytes = 0;
    std::uint64_t ns = std::numeric_limits<std::uint64_t>::max();
    LeftFlank::Node node = LeftFlank::kNone;
  };

  // Levels above the base, in tenths of the prominence.
  static constexpr std::uint64_t kLowTenths = 1;
  static constexpr std::uint64_t kHalfTenths = 5;
  static constexpr std::uint64_t kHighTenths = 9;

  // The way down on the right to one of them.
  struct RightSide {
    RightSide(std::size_t max_lows, std::uint64_t tenths) : flank(max_lows, tenths) {}
    RightSide(const RightSide& other) : flank(other.flank), equal_peaks(other.equal_peaks, flank) {}
    RightFlank flank;
    EqualPeaks equal_peaks{flank};
  };

  void start_pass();
  void enter_equal_peaks(std::size_t stretch);
  void close_right_down_to(std::size_t count);
  void close_last(std::vector<Spike>& out);
  void add_up(Pending& peak, std::uint64_t last_ns, std::vector<Spike>& up);
  void conclude(Pending& peak, std::uint64_t right_min);
  void measure(Pending& peak, std::uint64_t base_bytes, std::uint64_t last_ns);
  Moment left_crossing(const Pending& peak, const Level& level, Found& found) const;
  static Moment right_crossing(const RightSide& side, const Level& level, std::uint64_t last_ns);
  void finalize(Pending& peak, std::uint64_t right_base_ns) const;
  void emit(Pending& peak, std::uint64_t right_base_ns, std::vector<Spike>& out) const;

  void make_room(std::vector<Spike>& out);
  std::vector<bool> choose_undecided() const;
  std::vector<bool> choose_decided() const;
  void shed(const std::vector<bool>& chosen, std::vector<Spike>& out);
  void remove(const std::vector<bool>& chosen);
  std::uint64_t earliest_that_matters_ns(std::uint64_t now_value, std::uint64_t now_ns) const;

  std::uint64_t min_prominence_bytes_;
  Limits limits_;
  LeftFlank& flank_;
  std::array<RightSide, 2> right_sides_;  // down to half height, and to nine tenths
  KillLog kills_;
  bool keeps_confirmed_ = false;
  std::vector<Spike> confirmed_;
  std::size_t forget_kills_at_;

  std::vector<Pending> peaks_;          // in order of time; heights never increase
  std::vector<std::size_t> undecided_;  // their indices; one stretch of each right flank each
  Extreme left_;                        // since the last undecided peak; the last row when there are several
  Found found_half_, found_low_, found_high_;
};

}  // namespace memspike::spike
