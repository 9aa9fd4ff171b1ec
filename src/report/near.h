// Direct reclaims that tasks had to wait for, kept until it is known which spike they were in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace memspike::report {

// Some of them together.
struct Stalls {
  std::uint64_t count = 0;
  std::uint64_t total_ns = 0;
  std::uint64_t longest_ns = 0;

  void add(const Stalls& other);
  friend bool operator==(const Stalls&, const Stalls&) = default;
};

class StallLog {
 public:
  // More than `capacity` at a time: neighbours of the older half become one, which counts where its
  // last one ended.
  explicit StallLog(std::size_t capacity = 4096) : capacity_(capacity < 4 ? 4 : capacity) {}

  // A stall that ended at time_ns. Times that decrease are taken for the latest.
  void add(std::uint64_t time_ns, std::uint64_t duration_ns);

  // Those that ended within, both ends included.
  Stalls between(std::uint64_t from_ns, std::uint64_t until_ns) const;

  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::uint64_t time_ns = 0;
    Stalls stalls;
  };

  void make_room();

  std::size_t capacity_;
  std::vector<Entry> entries_;
};

}  // namespace memspike::report
