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
#include "facts/identity.h"
#include "facts/kill.h"
#include "facts/session.h"
#include "histogram/histogram.h"
#include "near_miss/near_miss.h"
#include "near_miss/stall_marks.h"
#include "process/runtime.h"
#include "report/at_limit.h"
#include "report/stacks.h"
#include "spike/burst.h"
#include "spike/spike.h"
#include "timeline/overview.h"
#include "timeline/recent.h"
#include "timeline/series.h"

namespace memspike::report {

inline constexpr int kSchemaVersion = 1;

struct Usage {
  std::uint64_t first_bytes = 0;
  std::uint64_t last_bytes = 0;
  std::uint64_t min_bytes = 0;
  std::uint64_t peak_bytes = 0;
  std::uint64_t peak_ns = 0;  // first row that reached it
  // What dashboards show: the median over time (each level weighted by how long it held).
  std::optional<std::uint64_t> typical_bytes;
  bool wanders = false;  // no level to live at: a ramp, a moment, or nothing at all (advice::level_of)

  std::optional<std::uint64_t> level_bytes() const { return wanders ? std::nullopt : typical_bytes; }
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

// A kill with what was learnt about it afterwards.
struct OomKill : facts::Kill {
  OomKill() = default;
  explicit OomKill(facts::Kill kill) : facts::Kill(std::move(kill)) {}

  // What the kernel's log says of it: untrusted bytes. Empty: the log was not read, or had been
  // rate-limited.
  std::vector<std::string> log_lines;
  bool log_disagrees = false;  // it contradicts what was seen
  bool only_logged = false;    // its own record was lost: all that is known is from the log

  std::uint32_t incident = 0;  // victims in several memcgs have an entry in each, with one number; from 1

  // How many of its victims were in a memcg or below it.
  std::uint64_t victims_in(const std::string& path) const;

  // What became of the container, or of the memcg that the victim was in.
  struct After {
    bool lives = false;
    std::optional<std::uint64_t> ended_after_ns;  // where it does not
  };
  std::optional<After> after;

  std::optional<LastSecond> last_second;
};

// Of the earliest kills of very many only the number is kept.
struct ForgottenKills {
  std::uint64_t entries = 0;
  std::uint64_t victims = 0;  // of the memcg
};

// Of bursts that are no level.
struct BurstHistograms {
  histogram::Histogram height_bytes;
  histogram::Histogram rise_ns;  // from corner to corner
  histogram::Histogram slope_bytes_per_second;
  histogram::Histogram duration_ns;     // above half of the height
  histogram::Histogram headroom_bytes;  // those below a limited ancestor only
  histogram::Histogram interval_ns;     // from top to top
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
  // How long at least one task stood still for want of memory, by the kernel's count (memory.pressure).
  OptionalBytes pressure_ns;
  near_miss::Stalls stalls;  // direct reclaims of tasks in here or below
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

// A thread that charged memory, under the name that it had then.
struct Thread {
  std::uint32_t pid = 0;  // its thread group
  std::uint32_t tid = 0;
  std::string comm;     // untrusted bytes; "": it was gone before anybody could ask
  std::string cmdline;  // of its process, arguments parted by spaces, cut at 256 bytes; untrusted bytes
  std::string cgroup;   // path of the memcg that it charged
  std::optional<facts::Container> container;
};

// What a thread charged on a spike's rising edge.
struct Culprit {
  std::uint32_t thread = 0;  // in Report::threads
  std::uint64_t pages = 0;
};

// Who made usage rise, and what happened meanwhile. The pages are all rises: what fell on the way had to be
// charged again.
struct Causes {
  std::vector<Culprit> culprits;         // the largest shares, most pages first
  std::uint64_t other_pages = 0;         // of threads that are not among them
  std::uint64_t unattributed_pages = 0;  // rises that were seen by the sweep or by a fall's trigger
  std::optional<composition::Allocated> allocated;  // by tasks, while it rose; nothing: no record told of it
  near_miss::Stalls stalls;                         // that ended then, in this memcg or below
  near_miss::LimitHits limit_hits;                  // of its own limits

  std::uint64_t risen_pages() const {
    std::uint64_t pages = other_pages + unattributed_pages;
    for (const Culprit& culprit : culprits) pages += culprit.pages;
    return pages;
  }
};

// The pages are those from rise_begin_ns to the peak, the stalls those from a tenth of the height up to half
// of it down: what happened before or after is another's.
struct Spike : spike::Spike, Causes {
  Spike() = default;
  Spike(const spike::Spike& spike) : spike::Spike(spike) {}  // NOLINT(google-explicit-constructor)

  std::optional<composition::Growth> composition;  // nothing: no pair of readings saw enough of it
};

// The pages are those from where it left its floor to the end of its crest, the stalls those until its end.
struct Burst : spike::Burst, Causes {
  Burst() = default;
  Burst(const spike::Burst& burst) : spike::Burst(burst) {}  // NOLINT(google-explicit-constructor)

  std::optional<composition::Makeup> makeup;      // nothing: no pair of readings saw enough of it
  std::optional<std::uint64_t> prominence_bytes;  // of the spike that its top is, if it is one
  // It took more than half of the memcg's time so far, and no kill ended it: where it lives, not what it
  // spikes to. A process's start is one. It is listed, and counts nowhere.
  bool is_level = false;
};

// Memory that was charged before: tmpfs and shared memory which neither a process in the memcg nor
// one of its living children accounts for.
struct Inherited {
  std::uint64_t time_ns = 0;  // of the reading
  std::uint64_t shmem_bytes = 0;
};

struct Memcg {
  std::string path;  // relative to the hierarchy's mount, "/kubepods/…"
  facts::Role role = facts::Role::cgroup;
  std::optional<facts::Container> container;
  std::optional<facts::PodId> pod;  // that it is, or lies inside of
  std::optional<std::uint64_t> limit_bytes;
  Usage usage;
  std::optional<std::uint64_t> kernel_peak_bytes;
  std::string kernel_peak_source;                 // "memory.peak", "memory.max_usage_in_bytes", "watermark"
  std::optional<std::uint64_t> kernel_oom_kills;  // the kernel's own count over the recording
  bool gone = false;                              // removed before the recording ended
  std::vector<Spike> spikes;                      // by peak_ns
  std::uint64_t spikes_total = 0;  // >= spikes.size(): the oldest may be kept in histograms only
  Histograms histograms;
  std::vector<Burst> bursts;                // by the time of their tops
  std::uint64_t bursts_total = 0;           // that are no level; the oldest may be kept in histograms only
  std::uint64_t burst_threshold_bytes = 0;  // what a rise had to reach, last
  BurstHistograms burst_histograms;
  std::vector<OomKill> oom_kills;
  ForgottenKills forgotten_kills;  // before them
  std::uint64_t all_kills() const { return oom_kills.size() + forgotten_kills.entries; }
  NearMisses near_misses;
  AtLimit at_limit;
  std::uint64_t thinned_moves = 0;  // of its counter, that have no row: there were too many
  std::optional<Inherited> inherited;
  std::vector<process::Runtime> runtimes;  // of the processes that charged memory
  Allocations allocations;
  blindspot::Fold shown;           // the working set, to scrapers of every phase
  bool working_set_known = false;  // false: inactive_file could not be read, it is usage that they see
  advice::Observed observed;       // what limits are advised from
  timeline::Series timeline;       // where it was asked for
  // (ns, bytes): its own limit, first and at each change; kept with the timeline.
  std::vector<std::pair<std::uint64_t, std::optional<std::uint64_t>>> limits;
  near_miss::StallMarks stall_marks;  // in this memcg or below; kept with the timeline
  timeline::Overview overview;        // the same in little, always
};

// The cgroup of a pod, in the report or on the way up from what is in it.
struct PodCgroup {
  std::string path;
  facts::PodId pod;
  bool limit_is_sum = false;                // of its containers' limits, as far as they were recorded
  std::optional<Inherited> inherited = {};  // the same as its memcg has, also where that is not in the report
};

struct Report {
  facts::Session session;
  facts::Target target;
  std::vector<Memcg> memcgs;           // parents before children
  std::vector<PodCgroup> pods;         // by path
  std::vector<Thread> threads;         // those that a spike's culprits name
  std::optional<Stacks> stacks;        // with --stacks
  std::vector<facts::Counter> events;  // page_allocs, page_frees, …, samples, unchanged
  std::vector<facts::Counter> lost;    // one per cause, zeroes included
  std::vector<std::string> notes;      // "the watermark was reset at …", "limit changed …"
  std::size_t notes_of_reading = 0;    // the first of them say what is missing of the recording
  bool with_timeline = false;

  // CLOCK_MONOTONIC to CLOCK_REALTIME as it was at that moment.
  std::uint64_t to_realtime_ns(std::uint64_t monotonic_ns) const {
    return session.to_realtime_ns(monotonic_ns);
  }
  std::uint64_t lost_total() const {
    std::uint64_t total = 0;
    for (const auto& [name, value] : lost) total += value;
    return total;
  }
};

}  // namespace memspike::report
