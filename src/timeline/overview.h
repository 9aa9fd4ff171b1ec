// A timeline of any length in the memory of a picture: lowest and highest usage by time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace memspike::timeline {

// Cuts time, from the first row on, into buckets of equal width. Each knows the lowest and the highest
// usage that the counter had in it, to the byte: of the rows within, and of the row before that still
// held when the bucket began. When a row comes that lies behind the last bucket that there may be, all
// buckets are merged in pairs: twice as wide, half as many, as exact. So at least half of the buckets
// are in use as soon as the time is longer than there are buckets, and no peak is lost, however short.
class Overview {
 public:
  // 8 KiB for each memcg; half of it, the least that is in use, is more than a line of a terminal has dots.
  static constexpr std::size_t kBuckets = 512;

  explicit Overview(std::size_t buckets = kBuckets) : capacity_(buckets) {}

  struct Bucket {
    std::uint64_t min_bytes = 0;
    std::uint64_t max_bytes = 0;
    friend bool operator==(const Bucket&, const Bucket&) = default;
  };

  // The next row, in order of time: earlier ones count as of the last one's time.
  void push(std::uint64_t time_ns, std::uint64_t usage_bytes) {
    last_ns_ = std::max(last_ns_, time_ns);
    if (last_ns_ - start_ns_ >= width_ns_ * buckets_.size()) reach(usage_bytes);
    Bucket& bucket = buckets_.back();
    bucket.min_bytes = std::min(bucket.min_bytes, usage_bytes);
    bucket.max_bytes = std::max(bucket.max_bytes, usage_bytes);
    last_bytes_ = usage_bytes;
  }

  // For what is only kept as one of many: at most so many buckets (at least 1) from here on.
  void coarsen(std::size_t buckets);

  bool empty() const { return buckets_.empty(); }
  std::uint64_t start_ns() const { return start_ns_; }  // where the first bucket begins: the first row
  std::uint64_t last_ns() const { return last_ns_; }    // the last row, in the last bucket
  std::uint64_t width_ns() const { return width_ns_; }  // of a bucket
  const std::vector<Bucket>& buckets() const { return buckets_; }

 private:
  // Makes the bucket that the last row lies in.
  void reach(std::uint64_t usage_bytes);
  void merge_pairs();

  std::vector<Bucket> buckets_;
  std::size_t capacity_;
  std::uint64_t start_ns_ = 0;
  std::uint64_t last_ns_ = 0;
  std::uint64_t last_bytes_ = 0;
  std::uint64_t width_ns_ = 1;
};

}  // namespace memspike::timeline
