// When the OOM killer struck.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace memspike::spike {

// Kill times in ascending order.
class KillLog {
 public:
  void note(std::uint64_t time_ns) { times_ns_.push_back(time_ns); }

  // Whether a kill fell within [first_ns, last_ns].
  bool any_within(std::uint64_t first_ns, std::uint64_t last_ns) const;

  void forget_before(std::uint64_t time_ns);
  void forget_older_half();
  std::size_t memory_bytes() const { return times_ns_.capacity() * sizeof(std::uint64_t); }
  std::size_t size() const { return times_ns_.size(); }

 private:
  std::vector<std::uint64_t> times_ns_;
};

}  // namespace memspike::spike
