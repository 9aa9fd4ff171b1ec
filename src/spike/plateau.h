// Where the middle row of a flat top lies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace memspike::spike {

// Collects the times of equal consecutive rows and knows the middle one,
// floor((first + last) / 2), as find_peaks reports a plateau. Keeps the later half only.
//
// Exact up to 2 * max_times rows; a longer plateau keeps every second, fourth, … row, and
// its middle is off by at most its number of rows / max_times.
class Plateau {
 public:
  explicit Plateau(std::size_t max_times) : max_times_(max_times) {}

  void start(std::uint64_t time_ns) {
    first_ns_ = time_ns;
    rows_ = 1;
  }
  void add(std::uint64_t time_ns);
  std::uint64_t middle_ns() const;
  std::size_t memory_bytes() const { return times_.capacity() * sizeof(std::uint64_t); }

 private:
  std::uint64_t middle_row() const { return (rows_ - 1) / 2; }
  void thin();

  // times_[i] belongs to row (skipped_ + i) * stride_; entries before head_ are spent.
  // Unused while there is but one row, as nearly always.
  std::vector<std::uint64_t> times_;
  std::size_t head_ = 0;
  std::uint64_t skipped_ = 0;
  std::uint64_t stride_ = 1;
  std::uint64_t rows_ = 0;
  std::uint64_t first_ns_ = 0;
  std::size_t max_times_;
};

}  // namespace memspike::spike
