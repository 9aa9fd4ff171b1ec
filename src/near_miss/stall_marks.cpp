#include "near_miss/stall_marks.h"

#include <algorithm>

namespace memspike::near_miss {
namespace {

// `next` ended later, or at the same time.
void join(StallMark& mark, const StallMark& next) {
  if (next.stalls.longest_ns > mark.stalls.longest_ns) mark.longest_end_ns = next.longest_end_ns;
  mark.from_ns = std::min(mark.from_ns, next.from_ns);
  mark.until_ns = next.until_ns;
  mark.stalls.add(next.stalls);
}

}  // namespace

void StallMarks::add(std::uint64_t time_ns, std::uint64_t duration_ns) {
  if (!marks_.empty()) time_ns = std::max(time_ns, marks_.back().until_ns);
  const StallMark mark{
      time_ns - std::min(duration_ns, time_ns), time_ns, time_ns, {1, duration_ns, duration_ns}};
  if (!marks_.empty() && in_one_cell(marks_.back(), mark)) {
    join(marks_.back(), mark);
    return;
  }
  marks_.push_back(mark);
  while (marks_.size() > capacity_) coarsen();
}

// At most 63 times in a life: then there are two cells.
void StallMarks::coarsen() {
  ++cell_bits_;
  std::size_t last = 0;
  for (std::size_t i = 1; i < marks_.size(); ++i) {
    if (in_one_cell(marks_[last], marks_[i])) {
      join(marks_[last], marks_[i]);
    } else {
      marks_[++last] = marks_[i];
    }
  }
  marks_.resize(last + 1);
}

}  // namespace memspike::near_miss
