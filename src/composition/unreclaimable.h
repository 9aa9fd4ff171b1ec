// How near a memcg came to a kill: by what reclaim could not have taken back. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

#include "base/optional_bytes.h"

namespace memspike::composition {

// Page cache fills whatever room a limit leaves, and goes when somebody else wants it: usage at the limit
// says nothing by itself. Rows of usage come at each move, readings of how much of it is page cache on
// reclaim's lists some milliseconds to a second apart. Between two of them held was no more than the larger
// of what the two held; what went above the usage of both may have been anything, and counts as held. What
// rose, fell and had pushed out cache between two readings is not seen: they come at each twentieth that
// usage rises.
class Unreclaimable {
 public:
  struct Closest {
    std::uint64_t time_ns = 0;
    std::uint64_t usage_bytes = 0;
    std::uint64_t cache_bytes = 0;     // of it: what reclaim could have taken
    std::uint64_t headroom_bytes = 0;  // to the nearest limit, with the cache taken

    // Of equally close ones that with more usage: there the limit was touched.
    bool is_closer_than(const Closest& other) const {
      return headroom_bytes != other.headroom_bytes ? headroom_bytes < other.headroom_bytes
                                                    : usage_bytes > other.usage_bytes;
    }
  };

  // `headroom_bytes`: what the limits left at that moment; none where there is no limit.
  void row(std::uint64_t time_ns, std::uint64_t usage_bytes, OptionalBytes headroom_bytes);
  // Usage and page cache as read together. Readings older than the latest are ignored. A reading may come
  // some milliseconds before rows of its time, which wait until they are in order: it counts when they have
  // come.
  void reading(std::uint64_t time_ns, std::uint64_t usage_bytes, std::uint64_t cache_bytes);
  // No more rows: what came after the last reading is judged by it alone.
  void finish();

  // The moment with the least headroom, and the highest usage that reclaim could not have taken back.
  // Nothing without a limit, or without a reading.
  const std::optional<Closest>& closest() const { return closest_; }
  std::optional<std::uint64_t> peak_bytes() const { return peak_bytes_; }

 private:
  struct Reading {
    std::uint64_t time_ns = 0;
    std::uint64_t usage_bytes = 0;
    std::uint64_t cache_bytes = 0;
    std::uint64_t held_bytes() const { return usage_bytes - cache_bytes; }
  };
  struct Row {
    std::uint64_t time_ns = 0;
    std::uint64_t usage_bytes = 0;
    OptionalBytes headroom_bytes;
  };

  void judge(const Reading& before, const Reading& after);
  void take_first();

  static constexpr std::size_t kMaxWaiting = 64;
  std::deque<Reading> waiting_;  // for the rows before them
  std::optional<Reading> last_;
  std::optional<Row> highest_;  // since the last reading
  std::optional<Row> nearest_;  // with the least headroom since then
  std::optional<Closest> closest_;
  std::optional<std::uint64_t> peak_bytes_;
};

}  // namespace memspike::composition
