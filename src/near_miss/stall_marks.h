// All stalls of a memcg in the memory of a picture: where to draw them on its timeline.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "near_miss/near_miss.h"

namespace memspike::near_miss {

// A stall, or neighbours that became one.
struct StallMark {
  std::uint64_t from_ns = 0;         // where the first of them began
  std::uint64_t until_ns = 0;        // where the last of them ended
  std::uint64_t longest_end_ns = 0;  // where the longest of them ended
  Stalls stalls;
  friend bool operator==(const StallMark&, const StallMark&) = default;
};

// More than `capacity`: time is cut into cells of equal width, and those that ended in one cell become
// one mark, which still knows exactly when the longest was. Cells double until there is room. So a burst
// is thinned before what stands alone is, and the longest of all stays where it was.
class StallMarks {
 public:
  static constexpr std::size_t kCapacity = 4096;  // 192 KiB; no screen has more columns

  explicit StallMarks(std::size_t capacity = kCapacity) : capacity_(capacity < 2 ? 2 : capacity) {}

  // A stall that ended at time_ns. Times that decrease are taken for the latest.
  void add(std::uint64_t time_ns, std::uint64_t duration_ns);

  // No more of them.
  void shrink_to_fit() { marks_.shrink_to_fit(); }

  const std::vector<StallMark>& all() const { return marks_; }  // by until_ns

 private:
  bool in_one_cell(const StallMark& a, const StallMark& b) const {
    return (a.until_ns >> cell_bits_) == (b.until_ns >> cell_bits_);
  }
  void coarsen();

  std::size_t capacity_;
  unsigned cell_bits_ = 0;  // a cell is 2^this ns wide: those that end in one ns are one from the start
  std::vector<StallMark> marks_;
};

}  // namespace memspike::near_miss
