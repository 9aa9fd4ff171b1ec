#include "report/stalls.h"

#include <algorithm>

namespace memspike::report {

void Stalls::add(const Stalls& other) {
  count += other.count;
  total_ns += other.total_ns;
  longest_ns = std::max(longest_ns, other.longest_ns);
}

void StallLog::add(std::uint64_t time_ns, std::uint64_t duration_ns) {
  if (!entries_.empty()) time_ns = std::max(time_ns, entries_.back().time_ns);
  entries_.push_back({time_ns, {1, duration_ns, duration_ns}});
  if (entries_.size() > capacity_) make_room();
}

void StallLog::make_room() {
  const std::size_t pairs = entries_.size() / 4;
  for (std::size_t i = 0; i < pairs; ++i) {
    Entry pair = entries_[2 * i + 1];
    pair.stalls.add(entries_[2 * i].stalls);
    entries_[i] = pair;
  }
  const auto first = entries_.begin() + static_cast<std::ptrdiff_t>(pairs);
  entries_.erase(first, first + static_cast<std::ptrdiff_t>(pairs));
}

Stalls StallLog::between(std::uint64_t from_ns, std::uint64_t until_ns) const {
  Stalls sum;
  const auto first =
      std::lower_bound(entries_.begin(), entries_.end(), from_ns,
                       [](const Entry& entry, std::uint64_t ns) { return entry.time_ns < ns; });
  for (auto entry = first; entry != entries_.end() && entry->time_ns <= until_ns; ++entry) {
    sum.add(entry->stalls);
  }
  return sum;
}

}  // namespace memspike::report
