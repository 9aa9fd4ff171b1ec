// A recording as a whole: what was asked for, how it was looked at, what that cost.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock_offsets.h"
#include "base/programs.h"

namespace memspike::facts {

using memspike::Hook;
using memspike::ProgramRuns;

struct Self {
  std::uint64_t duration_ns = 0;      // since the recording began
  std::uint64_t cpu_ns = 0;           // of the process in that time, in user space and in the kernel
  std::uint64_t peak_rss_bytes = 0;   // since the process began
  std::uint64_t map_bytes = 0;        // kernel memory of its BPF maps; 0 where it is not known
  std::vector<ProgramRuns> programs;  // with --self: those that ran, most time first
};

// A run's mean; 0 of a program that never ran.
std::uint64_t mean_ns(const ProgramRuns& program);

// A run's mean over all programs; nothing where none was measured.
std::optional<std::uint64_t> ns_per_event(const Self& self);

// How much was watched, from a moment on: "pages", "charges" or "sweep".
struct DetailSpan {
  std::uint64_t from_ns = 0;
  std::string detail;
};

struct Session {
  std::uint64_t start_monotonic_ns = 0;
  std::uint64_t start_realtime_ns = 0;  // the same instant on CLOCK_REALTIME
  std::uint64_t duration_ns = 0;
  std::string kernel_release;
  std::string cgroup_mode;            // "v1", "v2", "hybrid"
  std::string tier;                   // "tracepoint", "charge", "sweep"
  std::string detail = "pages";       // the last one; older recordings have no other
  std::vector<DetailSpan> details;    // all of them
  std::vector<std::string> not_seen;  // what none of them can know, a line each
  std::string tier_reason;            // why not a better one; "" for the best
  std::vector<Hook> hooks;
  std::uint64_t page_size_bytes = 4096;
  std::uint64_t sweep_period_ns = 0;
  std::uint64_t max_sample_gap_ns = 0;
  std::uint64_t min_prominence_bytes = 0;
  std::vector<std::string> container_filter;  // names, or beginnings of ids, that were asked for
  std::optional<Self> self;                   // unset: an older recording
  std::vector<ClockOffset> clock_steps;       // from when on CLOCK_REALTIME was another: somebody set it

  // Whether allocations of pages were watched at any time: else nothing is known of them.
  bool saw_pages() const;

  // UTC as it was at that moment, and the first moment at which it was that or later.
  std::uint64_t to_realtime_ns(std::uint64_t monotonic_ns) const;
  std::uint64_t to_monotonic_ns(std::uint64_t realtime_ns) const;
};

struct Target {
  std::string description;  // as the user asked: "pod 3f2a…", "cgroup /a/b", "command stress-ng"
  std::optional<std::string> pod_uid;
  std::optional<std::string> namespace_name;
  std::optional<std::string> pod;
  std::optional<std::string> qos;  // "guaranteed", "burstable", "besteffort"
  std::string cgroup;              // path of the target's root memcg, relative to the mount
};

// A named counter, in the order in which it is printed.
using Counter = std::pair<std::string, std::uint64_t>;

}  // namespace memspike::facts
