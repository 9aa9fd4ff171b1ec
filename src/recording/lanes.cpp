#include "recording/lanes.h"

#include <algorithm>

namespace memspike::recording {

Lanes::Place Lanes::place(std::uint64_t begin_ns, std::uint64_t end_ns, std::uint64_t& next_lane) {
  for (Lane& lane : lanes_) {
    // Edges of one instant keep the order of the file: only what comes later may touch.
    if (begin_ns >= lane.last_ns) {
      lane.last_ns = end_ns;
      return {lane.number, false};
    }
    if (end_ns < lane.first_ns) {
      lane.first_ns = begin_ns;
      return {lane.number, false};
    }
  }
  const Lane lane{next_lane++, begin_ns, end_ns};
  if (lanes_.size() < kMaxLanes) {
    lanes_.push_back(lane);
  } else {
    *std::min_element(lanes_.begin(), lanes_.end(),
                      [](const Lane& a, const Lane& b) { return a.last_ns < b.last_ns; }) = lane;
  }
  return {lane.number, true};
}

}  // namespace memspike::recording
