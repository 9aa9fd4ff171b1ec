// The immutable result of a session: everything that any renderer prints.
// Plain values; bytes and nanoseconds in the names; untrusted text as it was
// read (renderers escape at their own edge).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "advice/observed.h"
#include "blindspot/fold.h"
#include "composition/allocated.h"
#include "composition/parts.h"
#include "decode/headroom.h"
#include "histogram/histogram.h"
#include "report/near.h"
#include "report/self.h"
#include "report/stacks.h"
#include "report/stall_marks.h"
#include "spike/spike.h"
#include "timeline/overview.h"
#include "timeline/recent.h"
#include "timeline/series.h"

namespace memspike::report {

inline constexpr int kSchemaVersion = 1;

struct Hook {
  std::string event;   // "mm_page_alloc"
  std::string attach;  // "tp_btf", "fexit", "kprobe", "timer", …
};

struct Session {
  std::uint64_t start_monotonic_ns = 0;
  std::uint64_t start_realtime_ns = 0;  // the same instant on CLOCK_REALTIME
  std::uint64_t duration_ns = 0;
  std::string kernel_release;
  std::string cgroup_mode;  // "v1", "v2", "hybrid"
  std::string tier;         // "tracepoint", "charge"
  std::string tier_reason;  // why not a better one; "" for the best
  std::vector<Hook> hooks;
  std::uint64_t page_size_bytes = 4096;
  std::uint64_t sweep_period_ns = 0;
  std::uint64_t max_sample_gap_ns = 0;
  std::uint64_t min_prominence_bytes = 0;
  std::vector<std::string> container_filter;  // names, or beginnings of ids, that were asked for
  std::optional<Self> self;                   // unset: an older recording
};

struct Target {
  std::string description;  // as the user asked: "pod 3f2a…", "cgroup /a/b", "command stress-ng"
  std::optional<std::string> pod_uid;
  std::optional<std::string> namespace_name;
  std::optional<std::string> pod;
  std::optional<std::string> qos;  // "guaranteed", "burstable", "besteffort"
  std::string cgroup;              // path of the target's root memcg, relative to the mount
};

struct Container {
  std::string id;
  std::optional<std::string> name;
};

struct Usage {
  std::uint64_t first_bytes = 0;
  std::uint64_t last_bytes = 0;
  std::uint64_t min_bytes = 0;
  std::uint64_t peak_bytes = 0;
  std::uint64_t peak_ns = 0;  // first row that reached it
  // The level it lives at, the one that dashboards show: the median over time
  // (each level weighted by how long it held).
  std::optional<std::uint64_t> typical_bytes;
};

// What led to an OOM kill: the timeline of the memcg whose limit was hit, or of the killed one where
// that is not tracked. See timeline/rise.h for how the baseline is found.
struct LastSecond {
  std::string path;
  std::uint64_t window_ns = 0;  // asked for; the memcg may be younger
  std::optional<std::uint64_t> limit_bytes;
  std::optional<timeline::UsageAt> baseline;  // nothing: no rise within the window
  std::optional<timeline::UsageAt> crest;     // where the rise ended; set together with the baseline
  std::optional<std::uint64_t> slope_bytes_per_second;
  std::optional<std::uint64_t> baseline_to_limit_ns;  // where the limit that was hit is this memcg's
  std::vector<timeline::UsageAt> timeline;            // kept for the latest kills only
};

// How it is known whose limit was hit.
enum class LimitSource {
  inferred,    // from usage and limits
  kernel,      // the kernel said so
  kernel_log,  // it said so in its log
};

struct OomKill {
  std::uint64_t time_ns = 0;
  std::uint32_t pid = 0;  // the victim's thread group
  std::string comm;       // untrusted bytes
  std::uint64_t usage_bytes = 0;
  std::optional<std::uint64_t> limit_bytes;
  std::uint64_t anon_rss_bytes = 0;
  std::uint64_t file_rss_bytes = 0;
  std::uint64_t shmem_rss_bytes = 0;
  std::int32_t oom_score_adj = 0;

  // Whose limit was hit: a memcg's path, or nothing for the node itself.
  std::optional<std::string> limit_path;
  LimitSource limit_source = LimitSource::inferred;

  // A memcg on the way up from the victim's to the root, at the instant of the kill.
  struct Level {
    std::string path;
    std::uint64_t usage_bytes = 0;
    std::optional<std::uint64_t> limit_bytes;
    std::optional<std::uint64_t> headroom_bytes() const {
      if (!limit_bytes) return std::nullopt;
      return decode::room_below(*limit_bytes, usage_bytes);
    }
  };
  std::vector<Level> chain;

  // The task whose charge failed, or for which the node had no page: it asked, and need not be the one
  // that died. Unset: an older recording, which does not know.
  struct Trigger {
    std::uint32_t pid = 0;
    std::string comm;  // untrusted bytes
  };
  std::optional<Trigger> trigger;

  // What the kernel's log says of it: untrusted bytes. Empty: the log was not read, or had been
  // rate-limited.
  std::vector<std::string> log_lines;
  bool log_disagrees = false;  // it names another memcg than limit_path

  // All that this incident killed, the first one (above) included: more than one with memory.oom.group.
  struct Victim {
    std::uint32_t pid = 0;
    std::string comm;  // untrusted bytes
  };
  std::vector<Victim> victims;

  std::optional<LastSecond> last_second;
};

struct Histograms {
  histogram::Histogram prominence_bytes;
  histogram::Histogram width_ns;
  histogram::Histogram rise_ns;
  histogram::Histogram headroom_bytes;  // spikes below a limited ancestor only
  histogram::Histogram interval_ns;     // from peak to peak
  histogram::Histogram alloc_order;     // page allocations by order
};

// Charges that a limit refused and reclaim rescued, those that memory.high throttled, and what the tasks
// waited for it.
struct NearMisses {
  // By the kernel's own count: see read_hits (bpf/memcg.bpf.h).
  std::optional<std::uint64_t> refused_charges;
  std::optional<std::uint64_t> throttled_charges;
  Stalls stalls;  // direct reclaims of tasks in here or below
  histogram::Histogram stall_ns;
};

struct ProcessPages {
  std::uint32_t pid = 0;
  std::string comm;  // untrusted bytes
  std::uint64_t pages = 0;
};

struct Allocations {
  std::uint64_t pages = 0;               // sum of count << order
  std::vector<std::uint64_t> by_order;   // number of allocations of order 0, 1, …
  std::vector<ProcessPages> by_process;  // most pages first
  std::uint64_t unattributed_pages = 0;  // no room in the table of processes, or in AllocationLog
};

enum class Role { pod, container, sandbox, cgroup };

// A thread that charged memory, under the name that it had then.
struct Thread {
  std::uint32_t pid = 0;  // its thread group
  std::uint32_t tid = 0;
  std::string comm;     // untrusted bytes; "": it was gone before anybody could ask
  std::string cmdline;  // of its process, arguments parted by spaces, cut at 256 bytes; untrusted bytes
  std::string cgroup;   // path of the memcg that it charged
  std::optional<Container> container;
};

// What a thread charged on a spike's rising edge.
struct Culprit {
  std::uint32_t thread = 0;  // in Report::threads
  std::uint64_t pages = 0;
};

// A spike, and who made it. The pages are all rises from rise_begin_ns to the peak: what fell on the way
// had to be charged again.
struct Spike : spike::Spike {
  Spike() = default;
  Spike(const spike::Spike& spike) : spike::Spike(spike) {}  // NOLINT(google-explicit-constructor)

  std::vector<Culprit> culprits;                   // the largest shares, most pages first
  std::uint64_t other_pages = 0;                   // of threads that are not among them
  std::uint64_t unattributed_pages = 0;            // rises that were seen by the sweep or by a fall's trigger
  std::optional<composition::Growth> composition;  // nothing: no pair of readings saw enough of it
  std::optional<composition::Allocated> allocated;  // by tasks, while it rose; nothing: no record told of it
  // From a tenth of the height up to half of it down: what happened before or after it is another's.
  Stalls stalls;         // that ended then, in this memcg or below
  LimitHits limit_hits;  // of its own limits

  std::uint64_t risen_pages() const {
    std::uint64_t pages = other_pages + unattributed_pages;
    for (const Culprit& culprit : culprits) pages += culprit.pages;
    return pages;
  }
};

// Memory that was charged before: tmpfs and shared memory which neither a process in the memcg nor
// one of its living children accounts for.
struct Inherited {
  std::uint64_t time_ns = 0;  // of the reading
  std::uint64_t shmem_bytes = 0;
};

struct Memcg {
  std::string path;  // relative to the hierarchy's mount, "/kubepods/…"
  Role role = Role::cgroup;
  std::optional<Container> container;
  std::optional<std::uint64_t> limit_bytes;
  Usage usage;
  std::optional<std::uint64_t> kernel_peak_bytes;
  std::string kernel_peak_source;                 // "memory.peak", "memory.max_usage_in_bytes", "watermark"
  std::optional<std::uint64_t> kernel_oom_kills;  // the kernel's own count over the recording
  bool gone = false;                              // removed before the recording ended
  std::vector<Spike> spikes;                      // by peak_ns
  std::uint64_t spikes_total = 0;  // >= spikes.size(): the oldest may be kept in histograms only
  Histograms histograms;
  std::vector<OomKill> oom_kills;
  NearMisses near_misses;
  std::optional<Inherited> inherited;
  Allocations allocations;
  blindspot::Fold shown;           // the working set, to scrapers of every phase
  bool working_set_known = false;  // false: inactive_file could not be read, it is usage that they see
  advice::Observed observed;       // what limits are advised from
  timeline::Series timeline;       // where it was asked for
  // (ns, bytes): its own limit, first and at each change; kept with the timeline.
  std::vector<std::pair<std::uint64_t, std::optional<std::uint64_t>>> limits;
  StallMarks stall_marks;       // in this memcg or below; kept with the timeline
  timeline::Overview overview;  // the same in little, always
};

// A named counter, in the order in which it is printed.
using Counter = std::pair<std::string, std::uint64_t>;

struct Report {
  Session session;
  Target target;
  std::vector<Memcg> memcgs;       // parents before children
  std::vector<Thread> threads;     // those that a spike's culprits name
  std::optional<Stacks> stacks;    // with --stacks
  std::vector<Counter> events;     // page_allocs, page_frees, …, samples, unchanged
  std::vector<Counter> lost;       // one per cause, zeroes included
  std::vector<std::string> notes;  // "the watermark was reset at …", "limit changed …"
  bool with_timeline = false;

  // CLOCK_MONOTONIC to CLOCK_REALTIME, by the offset taken at the start.
  std::uint64_t to_realtime_ns(std::uint64_t monotonic_ns) const {
    return session.start_realtime_ns + (monotonic_ns - session.start_monotonic_ns);
  }
  std::uint64_t lost_total() const {
    std::uint64_t total = 0;
    for (const auto& [name, value] : lost) total += value;
    return total;
  }
};

}  // namespace memspike::report
