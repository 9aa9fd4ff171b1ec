// What happened when, kept until it is known which spike it was in.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace memspike::near_miss {

// `Sum`: a value with add(), which makes two of them one.
template <class Sum>
class TimeLog {
 public:
  // More than `capacity` at a time: of the older half, those become one that are nearest to each other. It
  // counts where its last one was. So a burst stays apart from the next, however many there are in it.
  explicit TimeLog(std::size_t capacity = 4096) : capacity_(capacity < 4 ? 4 : capacity) {}

  // Times that decrease are taken for the latest.
  void add(std::uint64_t time_ns, const Sum& sum) {
    if (!entries_.empty()) time_ns = std::max(time_ns, entries_.back().time_ns);
    if (!entries_.empty() && entries_.back().time_ns == time_ns) {
      entries_.back().sum.add(sum);
      return;
    }
    entries_.push_back({time_ns, sum});
    if (entries_.size() > capacity_) make_room();
  }

  // All within, both ends included.
  Sum between(std::uint64_t from_ns, std::uint64_t until_ns) const {
    Sum all;
    const auto first =
        std::lower_bound(entries_.begin(), entries_.end(), from_ns,
                         [](const Entry& entry, std::uint64_t ns) { return entry.time_ns < ns; });
    for (auto entry = first; entry != entries_.end() && entry->time_ns <= until_ns; ++entry) {
      all.add(entry->sum);
    }
    return all;
  }

  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::uint64_t time_ns = 0;
    Sum sum;
  };

  // Cells of time are doubled until few are left: at most 63 times, then there are two.
  void make_room() {
    const std::size_t half = entries_.size() / 2;
    std::size_t left = half;
    for (unsigned cell_bits = 1; left > half / 2; ++cell_bits) left = join_cells(left, cell_bits);
    const auto first = entries_.begin();
    entries_.erase(first + static_cast<std::ptrdiff_t>(left), first + static_cast<std::ptrdiff_t>(half));
  }

  // Of the first `count`, those within 2^cell_bits ns become one. Returns how many are left.
  std::size_t join_cells(std::size_t count, unsigned cell_bits) {
    std::size_t last = 0;
    for (std::size_t i = 1; i < count; ++i) {
      Entry& entry = entries_[i];
      if ((entry.time_ns >> cell_bits) != (entries_[last].time_ns >> cell_bits)) {
        entries_[++last] = entry;
        continue;
      }
      entries_[last].time_ns = entry.time_ns;
      entries_[last].sum.add(entry.sum);
    }
    return last + 1;
  }

  std::size_t capacity_;
  std::vector<Entry> entries_;
};

}  // namespace memspike::near_miss
