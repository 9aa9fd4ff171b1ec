#include "timeline/recent.h"

#include <algorithm>

namespace memspike::timeline {

// The last row at or before the begin, whose usage held then; else the first one of all.
std::vector<UsageAt>::const_iterator Recent::first_since(std::uint64_t begin_ns) const {
  const auto later =
      std::upper_bound(rows_.begin(), rows_.end(), begin_ns,
                       [](std::uint64_t time, const UsageAt& row) { return time < row.time_ns; });
  return later == rows_.begin() ? later : later - 1;
}

void Recent::make_room(std::uint64_t now_ns) {
  const auto first = first_since(begin_of(now_ns));
  const auto gone = static_cast<std::size_t>(first - rows_.cbegin());
  rows_.erase(rows_.cbegin(), first);
  thinned_ -= std::min(gone, thinned_);
  // Rows that left made enough room only if they were a good part of all: else this would be done at
  // every row. Thinned, the cells have at most half of the capacity, and the newest rows a quarter.
  if (rows_.size() > capacity_ / 4 * 3) thin();
}

void Recent::thin() {
  const std::size_t newest = rows_.size() - capacity_ / 4;
  const std::uint64_t width_ns = cell_ns();
  std::size_t in = std::max<std::size_t>(thinned_, 1);  // the first row says what held when the window began
  std::size_t out = in;
  while (in < newest) {
    const std::uint64_t begin_ns = rows_[in].time_ns - rows_[in].time_ns % width_ns;
    std::size_t lowest = in;
    std::size_t highest = in;
    thinned_ = out;  // more rows of the last cell may come
    for (; in < newest && rows_[in].time_ns - begin_ns < width_ns; ++in) {
      if (rows_[in].usage_bytes <= rows_[lowest].usage_bytes) lowest = in;
      if (rows_[in].usage_bytes > rows_[highest].usage_bytes) highest = in;
    }
    // They go to places at or before the cell's own: nothing is overwritten that is still to be read.
    const UsageAt first = rows_[std::min(lowest, highest)];
    const UsageAt second = rows_[std::max(lowest, highest)];
    rows_[out++] = first;
    if (lowest != highest) rows_[out++] = second;
  }
  const auto rest = rows_.begin() + static_cast<std::ptrdiff_t>(in);
  rows_.erase(std::move(rest, rows_.end(), rows_.begin() + static_cast<std::ptrdiff_t>(out)), rows_.end());
}

std::vector<UsageAt> Recent::window(std::uint64_t end_ns) const {
  const std::uint64_t begin_ns = begin_of(end_ns);
  std::vector<UsageAt> rows(first_since(begin_ns), rows_.end());
  if (!rows.empty()) rows.front().time_ns = std::max(rows.front().time_ns, begin_ns);
  return rows;
}

}  // namespace memspike::timeline
