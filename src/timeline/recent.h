// The latest rows of a timeline, in bounded memory: what is looked at when the OOM killer strikes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace memspike::timeline {

// The counter at a time; it stayed there until the next one's.
struct UsageAt {
  std::uint64_t time_ns = 0;
  std::uint64_t usage_bytes = 0;
  friend bool operator==(const UsageAt&, const UsageAt&) = default;
};

// Keeps the rows of the last `window_ns`, and at most `capacity` of them. When more fall into the
// window, all but the newest quarter of the capacity are thinned: time is cut into cells, a quarter of the
// capacity to a window, and of each cell the lowest row (the last of equals, where a floor ends) and
// the highest row (the first of equals, where a top begins) stay. So lowest and highest usage are
// exact in every cell, but for the one that the far edge of the window cuts; the newest rows are all
// there.
class Recent {
 public:
  static constexpr std::uint64_t kWindowNs = 1'000'000'000;
  static constexpr std::size_t kCapacity = 2000;  // 32 kB; cells of 2 ms in a second

  explicit Recent(std::uint64_t window_ns = kWindowNs, std::size_t capacity = kCapacity)
      : window_ns_(window_ns), capacity_(capacity < kLeast ? kLeast : capacity) {}

  // The next row, in order of time.
  void push(std::uint64_t time_ns, std::uint64_t usage_bytes) {
    if (rows_.size() >= capacity_) make_room(time_ns);
    rows_.push_back({time_ns, usage_bytes});
  }

  // The window up to end_ns. Where a row before the window still held when it began, that is the
  // first one, at the window's begin.
  std::vector<UsageAt> window(std::uint64_t end_ns) const;

  std::uint64_t window_ns() const { return window_ns_; }
  std::uint64_t cell_ns() const { return window_ns_ / (capacity_ / 4) + 1; }  // cells begin at its multiples
  std::size_t size() const { return rows_.size(); }

 private:
  static constexpr std::size_t kLeast = 16;

  std::uint64_t begin_of(std::uint64_t end_ns) const { return end_ns > window_ns_ ? end_ns - window_ns_ : 0; }
  std::vector<UsageAt>::const_iterator first_since(std::uint64_t begin_ns) const;
  void make_room(std::uint64_t now_ns);
  void thin();

  std::uint64_t window_ns_;
  std::size_t capacity_;
  std::vector<UsageAt> rows_;
  std::size_t thinned_ =
      0;  // of the rows before it each cell has its two: thinning them again changes nothing
};

}  // namespace memspike::timeline
