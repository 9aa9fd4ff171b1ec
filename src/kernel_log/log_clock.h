// The log's clock beside CLOCK_MONOTONIC. NTP slews the one and not the other: on a node that has been up for
// months they are minutes apart.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

namespace memspike::kernel_log {

// A record is read a while after it was written, never before: the smallest distance between the two is the
// one of the clocks. It may grow again by as much as NTP slews at most.
class LogClock {
 public:
  // When a record was written that is read at now_ns.
  std::uint64_t to_monotonic(std::uint64_t log_ns, std::uint64_t now_ns) {
    constexpr std::int64_t kSlewedPerNs = 2'000;  // 500 ppm
    const auto distance_ns = static_cast<std::int64_t>(now_ns - log_ns);
    const std::int64_t passed_ns = offset_ns_ ? static_cast<std::int64_t>(now_ns - last_ns_) : 0;
    offset_ns_ = offset_ns_ ? std::min(distance_ns, *offset_ns_ + passed_ns / kSlewedPerNs) : distance_ns;
    last_ns_ = now_ns;
    return log_ns + static_cast<std::uint64_t>(*offset_ns_);
  }

 private:
  std::optional<std::int64_t> offset_ns_;
  std::uint64_t last_ns_ = 0;
};

}  // namespace memspike::kernel_log
