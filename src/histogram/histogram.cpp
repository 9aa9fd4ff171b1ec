#include "histogram/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace memspike::histogram {
namespace {

// 128 equal buckets per power of two: none is wider than 1/128 = 0.78 % of its
// lowest value, and below 256 every value has its own.
constexpr int kSubBits = 7;
constexpr std::uint32_t kSubBuckets = 1u << kSubBits;

std::uint32_t index_of(std::uint64_t value) {
  if (value < kSubBuckets) return static_cast<std::uint32_t>(value);
  const int shift = static_cast<int>(std::bit_width(value)) - 1 - kSubBits;
  // value >> shift lies in [128, 256): its leading one advances the octave by itself.
  return static_cast<std::uint32_t>(shift) * kSubBuckets + static_cast<std::uint32_t>(value >> shift);
}

Histogram::Bucket bounds_of(std::uint32_t index) {
  if (index < 2 * kSubBuckets) return {index, index, 0};
  const std::uint32_t shift = index / kSubBuckets - 1;
  const std::uint64_t low = std::uint64_t{index - shift * kSubBuckets} << shift;
  return {low, low + ((std::uint64_t{1} << shift) - 1), 0};
}

// The smallest rank that covers the percentile. A product like 99.9 % of 1000 may
// come out a hair above the integer that it is; that must not cost a whole rank.
std::uint64_t nearest_rank(double percentile, std::uint64_t count) {
  const double exact = percentile * static_cast<double>(count) / 100.0;
  const double nearest = std::round(exact);
  const double rank = std::abs(exact - nearest) <= 1e-9 * (1.0 + exact) ? nearest : std::ceil(exact);
  if (rank >= static_cast<double>(count)) return count;
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(rank));
}

// A sum that stops at the highest number there is.
std::uint64_t plus(std::uint64_t a, std::uint64_t b) { return a + b < a ? ~std::uint64_t{0} : a + b; }

std::uint64_t times(std::uint64_t value, std::uint64_t count) {
  // As a rule their bits say that the product fits: no division.
  if (std::bit_width(value) + std::bit_width(count) <= 64) return value * count;
  return count > ~std::uint64_t{0} / value ? ~std::uint64_t{0} : value * count;
}

}  // namespace

void Histogram::record(std::uint64_t value, std::uint64_t count) {
  if (count == 0) return;
  min_ = count_ == 0 ? value : std::min(min_, value);
  max_ = std::max(max_, value);
  sum_ = plus(sum_, times(value, count));
  count_ += count;

  last_cell_ = cell_of(index_of(value));
  cells_[last_cell_].count += count;
}

std::size_t Histogram::cell_of(std::uint32_t index) {
  // Neighbours in time are alike: it is the same cell, or the next one on either side.
  if (last_cell_ < cells_.size()) {
    const std::uint32_t last = cells_[last_cell_].index;
    if (last == index) return last_cell_;
    const std::size_t near = last < index ? last_cell_ + 1 : last_cell_ - 1;  // -1 is no cell either
    if (near < cells_.size() && cells_[near].index == index) return near;
  }
  auto cell = std::lower_bound(cells_.begin(), cells_.end(), index,
                               [](const Cell& c, std::uint32_t i) { return c.index < i; });
  if (cell == cells_.end() || cell->index != index) cell = cells_.insert(cell, Cell{index, 0});
  return static_cast<std::size_t>(cell - cells_.begin());
}

void Histogram::merge(const Histogram& other) {
  if (other.count_ == 0) return;
  min_ = count_ == 0 ? other.min_ : std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  sum_ = plus(sum_, other.sum_);
  count_ += other.count_;

  std::vector<Cell> merged;
  merged.reserve(cells_.size() + other.cells_.size());
  auto mine = cells_.begin();
  auto theirs = other.cells_.begin();
  while (mine != cells_.end() || theirs != other.cells_.end()) {
    const bool take_mine =
        theirs == other.cells_.end() || (mine != cells_.end() && mine->index <= theirs->index);
    Cell next = take_mine ? *mine++ : *theirs++;
    if (take_mine && theirs != other.cells_.end() && theirs->index == next.index) {
      next.count += (theirs++)->count;
    }
    merged.push_back(next);
  }
  cells_ = std::move(merged);
}

std::uint64_t Histogram::value_at_percentile(double percentile) const {
  if (count_ == 0) return 0;
  // Written so that NaN falls to 0.
  const double clamped = percentile > 0.0 ? std::min(percentile, 100.0) : 0.0;
  const std::uint64_t rank = nearest_rank(clamped, count_);
  if (rank == 1) return min_;
  if (rank == count_) return max_;
  std::uint64_t seen = 0;
  for (const Cell& cell : cells_) {
    seen += cell.count;
    if (seen < rank) continue;
    const Bucket bucket = bounds_of(cell.index);
    return std::clamp(bucket.low + (bucket.high - bucket.low) / 2, min_, max_);
  }
  return max_;
}

std::vector<Histogram::Bucket> Histogram::buckets() const {
  std::vector<Bucket> result;
  result.reserve(cells_.size());
  for (const Cell& cell : cells_) {
    Bucket bucket = bounds_of(cell.index);
    bucket.count = cell.count;
    result.push_back(bucket);
  }
  return result;
}

}  // namespace memspike::histogram
