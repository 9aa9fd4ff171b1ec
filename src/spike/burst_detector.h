// Finds bursts in a stream of points as they happen, in one pass and in bounded memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "spike/burst.h"
#include "spike/left_flank.h"
#include "spike/level.h"
#include "spike/right_flank.h"

namespace memspike::spike {

// How much the detector remembers: some 80 kB when everything is full.
struct BurstLimits {
  // Floors that a rise may turn out to stand on. Beyond: the one where usage stood for the shortest time is
  // forgotten, so that what rose from there is taken for a part of the rise below it.
  std::size_t floors = 32;
  // Rows of the way up, and rows of its last tenth. Beyond: every second one is forgotten, and the corners
  // of a burst are off by at most the distance of the rows kept.
  std::size_t rows = 1024;
};

// Directional changes with hysteresis ("zigzag"; rainflow counting nests its cycles alike):
//
//  - A rise is open when usage stands at least the threshold above a floor, the lowest row since the burst
//    before. It is over when usage has come back by half of its height: whatever dips by less is part of it.
//  - Where usage paused on its way, there may be another floor: what rises above it by at least the threshold
//    is a rise of its own, within the one below, whose top is then what it was at the pause. Which pauses
//    count is judged whenever usage falls, or the end comes (see is_floor; after a burst whatever rises is
//    the next one): one that is long against the rise, or after which usage went up steeply and far. The
//    steps of a staircase or a ramp do not, nor a short dip; a container's start, and the level that it lives
//    at ever since, do.
//  - Usage that touches its limit is trimmed by reclaim and refilled: dips that are made good within
//    kSameTopNs are no floors, however deep.
//  - A kill ends the innermost open rise. Until usage is back by half of it, or rose again by the threshold,
//    more kills belong to that one.
//
// So a burst is known at the latest when usage is back by half of it.
class BurstDetector {
 public:
  // At least 1 byte (0 counts as 1).
  explicit BurstDetector(std::uint64_t threshold_bytes, const BurstLimits& limits = {});

  // For what comes from now on: a memcg's limit may change.
  void set_threshold(std::uint64_t threshold_bytes);
  std::uint64_t threshold_bytes() const { return threshold_bytes_; }

  // Next point of the timeline, in order of time. Bursts that it ends are appended, inner ones first.
  void push(const Point& point, std::vector<Burst>& out);

  // The OOM killer killed a process of this memcg; the points up to time_ns have been pushed.
  void note_kill(std::uint64_t time_ns, std::vector<Burst>& out);

  // What is up now, as though the stream ended here with this outcome; inner ones first.
  std::vector<Burst> open(Outcome outcome) const;
  // At the end: the same, and nothing is open any more.
  void finish(Outcome outcome, std::vector<Burst>& out);

  std::size_t memory_bytes() const;

 private:
  struct Top {
    timeline::UsageAt row;  // the first of the highest
    std::uint64_t headroom_bytes = kNoHeadroom;
    bool is_of_high = false;
    timeline::UsageAt arrived;  // from where on it only crept
  };
  // Usage paused: since it began it has set no new high to speak of, nor risen by the threshold.
  struct Pause {
    std::uint64_t since_ns = 0;
    timeline::UsageAt low;         // the last of the lowest rows
    timeline::UsageAt move;        // the first row above it since; the same where there is none
    std::uint64_t high_bytes = 0;  // when it began
    std::uint64_t left_ns = 0;     // the last row near the lowest one; of a new high the last row before
    bool after_burst = true;       // or before the first rise of all: whatever rises then, rises from a floor
  };
  struct Floor {
    Pause pause;
    Top top;                      // since usage rose from here, until it rose from the next floor
    std::optional<Burst> proven;  // a burst above this rise was told: it stands, whatever comes
  };

  void rise(const Point& point);
  void fall(const Point& point, std::vector<Burst>& out);
  void open_floor(const Point& point);
  void pause_at(const Point& point, bool after_burst);
  // A move that is worth notice.
  std::uint64_t step_bytes() const { return threshold_bytes_ / 4 + 1; }
  void lower_to(const Point& point) { pause_.low = pause_.move = {point.time_ns, point.usage_bytes}; }
  void raise_top(const Point& point);
  bool is_refill(std::uint64_t time_ns) const;
  bool is_above_every_half(std::uint64_t usage_bytes) const;
  void forget_weakest();
  void forget_undercut(std::uint64_t usage_bytes);
  void keep_crest(const timeline::UsageAt& row);

  std::vector<std::size_t> rises() const;
  bool is_floor(std::size_t below, std::size_t index, const Top& top) const;
  Top top_of(std::size_t first, std::size_t last) const;
  std::vector<timeline::UsageAt>::const_iterator arrival_of(const timeline::UsageAt& floor,
                                                            const timeline::UsageAt& top) const;
  void keep_fall(const Point& point);
  Moment down_through(const Level& level, const Point& point) const;
  Burst measure(std::size_t first, std::size_t last) const;
  timeline::Rise corners_of(const Pause& pause, const timeline::UsageAt& top) const;
  void end_innermost(const std::vector<std::size_t>& rises, const Burst& ended, std::vector<Burst>& out);
  Burst innermost(const std::vector<std::size_t>& rises) const;

  std::uint64_t threshold_bytes_;
  BurstLimits limits_;
  LeftFlank flank_;
  std::vector<timeline::UsageAt> crests_;    // new highs since the outermost floor that is not proven
  std::vector<Low> falls_;                   // new lows since usage was at the top of the innermost one
  std::vector<Floor> floors_;                // from the outermost one
  std::optional<std::uint64_t> half_bytes_;  // of the innermost rise, until anything changes
  std::optional<std::uint64_t> killed_half_bytes_;  // of the rise that a kill ended
  Pause pause_;
  std::uint64_t near_top_ns_ = 0;  // usage was at the top of the innermost rise, or near it
  bool started_ = false;
  Point last_;
};

}  // namespace memspike::spike
