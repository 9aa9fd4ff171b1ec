// A log-linear histogram in the manner of HdrHistogram: relative error at most
// 1 %, mergeable, sparse.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace memspike::histogram {

class Histogram {
 public:
  // Counts of values in [low, high], both inclusive.
  struct Bucket {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    std::uint64_t count = 0;
    friend bool operator==(const Bucket&, const Bucket&) = default;
  };

  // Adds `count` observations of `value`: any 64-bit value, in whatever unit the caller keeps.
  void record(std::uint64_t value, std::uint64_t count = 1);

  // Adds the other's observations: the result is as if all had been recorded here.
  void merge(const Histogram& other);

  // Few or no more of them.
  void shrink_to_fit() { cells_.shrink_to_fit(); }

  std::uint64_t count() const { return count_; }
  std::uint64_t min() const { return count_ == 0 ? 0 : min_; }  // exact
  std::uint64_t max() const { return max_; }                    // exact
  std::uint64_t sum() const { return sum_; }                    // exact; at most 2^64 - 1

  // The value at a percentile in [0, 100] (outside: clamped), by nearest rank, within
  // 1 % of the true value and never outside [min(), max()]. 0 when empty.
  std::uint64_t value_at_percentile(double percentile) const;

  // The non-empty buckets, in ascending order, disjoint. high - low < 1 % of low.
  std::vector<Bucket> buckets() const;

 private:
  struct Cell {
    std::uint32_t index = 0;
    std::uint64_t count = 0;
  };
  // The place of the cell of this index; there is one afterwards.
  std::size_t cell_of(std::uint32_t index);

  std::vector<Cell> cells_;    // sorted by index, counts > 0
  std::size_t last_cell_ = 0;  // where the previous record fell
  std::uint64_t count_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t min_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace memspike::histogram
