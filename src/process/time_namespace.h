// The time namespace of this process: how far its clocks are shifted against the node's.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace memspike::process {

// What a namespace adds to the node's clocks. CLOCK_REALTIME is the same in all of them.
struct TimeNamespace {
  std::int64_t monotonic_ns = 0;
  std::int64_t boottime_ns = 0;

  friend bool operator==(const TimeNamespace&, const TimeNamespace&) = default;
};

// The content of /proc/PID/timens_offsets; nullopt: not such a content, or out of range.
std::optional<TimeNamespace> parse_timens_offsets(std::string_view content);

// This process's own. No shift where the kernel has no time namespaces (before 5.6), or where the file tells
// of another namespace, the one that children would be in (unshare without fork).
TimeNamespace own_time_namespace();

}  // namespace memspike::process
