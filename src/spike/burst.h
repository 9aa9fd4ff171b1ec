// A burst: a rise of usage from where it stood, known while it happens. Plain values.
#pragma once

#include <cstdint>
#include <optional>

#include "spike/spike.h"
#include "timeline/rise.h"

namespace memspike::spike {

// Usage left a floor, rose by at least the threshold, and came back by half of that, or was ended. Where a
// spike's prominence needs the future (and of equal tops each has that of all), a burst has its own floor.
struct Burst {
  timeline::UsageAt floor;  // where usage stood: the last of the lowest rows before it rose
  timeline::UsageAt top;    // the first of its highest rows
  // The corners of the rise (see timeline/rise.h): the first row with which usage left its floor, whenever it
  // was last seen there, and where it arrived.
  timeline::UsageAt rise_begin;
  timeline::UsageAt rise_end;
  // Where usage rose through half of the height (interpolated), and the first row above nine tenths; for how
  // long it stood above half, and until it had left nine tenths for good (of equal tops the last one's), or
  // another burst rose from there.
  std::uint64_t half_begin_ns = 0;
  std::uint64_t high_begin_ns = 0;
  std::uint64_t duration_ns = 0;
  std::uint64_t crest_ns = 0;
  std::uint64_t end_ns = 0;  // the row that was back by half, the kill, the removal, the recording's end
  std::uint64_t headroom_bytes = kNoHeadroom;  // at the top, to max or memory.high, whichever is nearer
  bool is_of_high = false;                     // it is to a memory.high
  Outcome outcome = Outcome::fell;

  std::uint64_t height_bytes() const { return top.usage_bytes - floor.usage_bytes; }
  std::uint64_t rise_ns() const { return rise_end.time_ns - rise_begin.time_ns; }
  // From corner to corner; nothing where that took no time: between two looks.
  std::optional<std::uint64_t> slope_bytes_per_second() const {
    return timeline::slope_bytes_per_second({rise_begin, rise_end});
  }

  // Its top stood at a memory.high: it would have gone higher, nobody knows how much.
  bool is_held_down() const { return is_of_high && headroom_bytes == 0 && outcome != Outcome::oom_kill; }
  // How high it would have gone is not known.
  bool is_cut_off() const { return outcome == Outcome::oom_kill || is_held_down(); }

  friend bool operator==(const Burst&, const Burst&) = default;
};

}  // namespace memspike::spike
