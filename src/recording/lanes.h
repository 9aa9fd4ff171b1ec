// Tracks for slices that may overlap: an end closes what began last on its track, so slices that share
// one must not overlap. Perfetto shows tracks of one name below one parent as one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace memspike::recording {

class Lanes {
 public:
  // However many slices there are: beyond, the lane that ended first is given up for a new one.
  static constexpr std::size_t kMaxLanes = 64;

  struct Place {
    std::uint64_t lane = 0;
    bool is_new = false;
  };
  // A lane on which nothing overlaps [begin_ns, end_ns]. Slices come in any order of time. A new lane
  // takes its number from `next_lane`.
  Place place(std::uint64_t begin_ns, std::uint64_t end_ns, std::uint64_t& next_lane);

 private:
  struct Lane {
    std::uint64_t number = 0;
    std::uint64_t first_ns = 0;  // all its slices lie between these
    std::uint64_t last_ns = 0;
  };
  std::vector<Lane> lanes_;
};

}  // namespace memspike::recording
