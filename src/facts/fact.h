// What is known of a recording, as a stream of plain values in order of time: the one thing
// that a report is built from, whether it comes from the kernel or from a file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "composition/allocated.h"
#include "composition/parts.h"
#include "facts/code.h"
#include "facts/identity.h"
#include "facts/kill.h"
#include "facts/session.h"
#include "near_miss/near_miss.h"
#include "process/thread_facts.h"
#include "spike/burst.h"
#include "spike/spike.h"
#include "timeline/track.h"

namespace memspike::facts {

// A memcg of the recording: counted from 0 in order of birth, never used again.
using MemcgIndex = std::uint32_t;

// What a memcg is, as far as names can tell.
struct Description {
  Role role = Role::cgroup;
  std::optional<Container> container;
  bool in_target = true;          // false: tracked for its ancestors' sake or by a name that meant another
  std::optional<PodId> pod = {};  // that it is, or lies inside of; unset in older recordings
};

struct MemcgFound {
  MemcgIndex memcg = 0;
  std::uint64_t time_ns = 0;
  std::uint64_t cgroup_id = 0;       // its directory's inode number
  std::optional<MemcgIndex> parent;  // unset: a root of the target
  std::string path;                  // untrusted bytes
  Description description;
};

// The name of its container or its pod became known only later.
struct MemcgNamed {
  MemcgIndex memcg = 0;
  Description description;
};

// The next row of its timeline.
struct MemcgRow {
  MemcgIndex memcg = 0;
  timeline::Row row;
};

// What a thread charged to a memcg, and thereby to all above it, and what its process allocated there
// since the last fact of this kind about both. See Charges for when it comes.
struct MemcgCharged {
  std::uint64_t time_ns = 0;       // of the last charge
  std::vector<MemcgIndex> memcgs;  // its own, then those above it in the target
  std::uint32_t pid = 0;
  std::uint32_t tid = 0;
  std::uint64_t bytes = 0;
  composition::Allocated allocated = {};
};

// What /proc says of a thread that charges, or is about to.
struct ThreadSeen {
  std::uint64_t time_ns = 0;
  process::ThreadFacts thread;
};

// inactive_file in its memory.stat, as read at time_ns. Comes before any row of that time or later,
// perhaps earlier: rows are held back until they are in order.
struct InactiveFileRead {
  MemcgIndex memcg = 0;
  std::uint64_t time_ns = 0;
  std::uint64_t bytes = 0;
};

// What it consisted of, by its memory.stat.
struct MemoryStatRead {
  MemcgIndex memcg = 0;
  std::uint64_t time_ns = 0;
  std::uint64_t usage_bytes = 0;  // read right behind it
  composition::Parts parts;
  std::optional<bool> has_processes;                         // in itself, not below
  std::optional<std::uint64_t> reclaimable_file_bytes = {};  // of file: what is on reclaim's lists
};

// It was removed; nothing follows.
struct MemcgGone {
  MemcgIndex memcg = 0;
  std::uint64_t time_ns = 0;
  std::uint64_t watermark_bytes = 0;                    // the kernel's own maximum, read last
  std::optional<std::uint64_t> refused_charges = {};    // over the recording: by its limit
  std::optional<std::uint64_t> throttled_charges = {};  // over the recording: above memory.high
  std::optional<std::uint64_t> oom_kills = {};          // over the recording, of its own processes
};

// The OOM killer killed a process.
struct ProcessKilled {
  std::vector<MemcgIndex> memcgs;  // the victim's, then those above it in the target
  bool same_incident = false;      // as the kill before: one entry with both victims
  Kill kill;
};

// A task of the memcg had to wait before it could go on. It reclaimed: a charge was refused by a limit (or
// memory.high was passed), and rescued. Or it was throttled, put to sleep for being above memory.high.
struct TaskStalled {
  MemcgIndex memcg = 0;
  std::uint64_t time_ns = 0;  // its end
  std::uint64_t duration_ns = 0;
  std::uint64_t reclaimed_bytes = 0;
  std::uint32_t pid = 0;
  std::uint32_t tid = 0;
  bool throttled = false;
};

// cgroup v1 with the OOM killer disabled: tasks sleep at a limit until somebody makes room. Told when it is
// sure, again when there are others, and, `over`, when they go on.
struct TasksHung {
  struct Task {
    std::uint32_t pid = 0;
    std::uint32_t tid = 0;
  };
  MemcgIndex memcg = 0;
  std::uint64_t time_ns = 0;  // when it began, or was over
  bool over = false;
  std::optional<std::string> limit_path;  // whose limit, where it is one above the target's
  std::vector<Task> tasks;
};

// memory.high of the memcg is this from now on; unset: none.
struct HighSet {
  MemcgIndex memcg = 0;
  std::uint64_t time_ns = 0;
  std::optional<std::uint64_t> high_bytes;
};

// Charges that the memcg's own limits held up since the last fact of this kind.
struct LimitHit {
  MemcgIndex memcg = 0;
  std::uint64_t time_ns = 0;  // of the latest row or one right before it, whichever is nearest to the limit
  near_miss::LimitHits hits;
};

// Moves of its counter that have no row, from the first until the last of them: there were too many for all
// to be told. New highs, limits and kills are told all the same, and where usage stood each millisecond.
struct MovesThinned {
  MemcgIndex memcg = 0;
  std::uint64_t from_ns = 0;
  std::uint64_t time_ns = 0;
  std::uint64_t moves = 0;
};

// A burst of the memcg is over (usage is back by half of it), or ended with a kill, its memcg or the
// recording: told as soon as that is decided, by the threshold that held then. It follows from the rows and
// kills before it, so what reads a recording at another threshold finds others.
struct BurstFound {
  MemcgIndex memcg = 0;
  spike::Burst burst;
};

// The same of a spike, as soon as all but its right base is known, in any order of time. A recording shows it
// to who looks at it; what reads one finds its own.
struct SpikeFound {
  MemcgIndex memcg = 0;
  spike::Spike spike;
};

// The kernel's own figures of a memcg that still exists.
struct KernelCounts {
  MemcgIndex memcg = 0;
  std::optional<std::uint64_t> peak_bytes;
  std::string peak_source;
  std::optional<std::uint64_t> oom_kills;          // over the recording
  std::optional<std::uint64_t> refused_charges;    // over the recording: by its limit
  std::optional<std::uint64_t> throttled_charges;  // over the recording: above memory.high
  std::optional<bool> populated = {};              // a process is in it or below
  // Over the recording: how long at least one of its tasks stood still for want of memory (memory.pressure).
  std::optional<std::uint64_t> pressure_ns = {};
};

// The page allocations of one process over the recording.
struct ProcessAllocations {
  MemcgIndex memcg = 0;
  std::uint32_t pid = 0;  // 0: of all that found no entry of their own
  std::string comm;       // untrusted bytes
  std::vector<std::uint64_t> by_order;
};

// Places in the code that stacks name: these are added to those before.
struct CodeNamed {
  std::vector<Module> modules;
  std::vector<Frame> frames;
};

// What was charged from one place over the recording (--stacks), or since stacks were told last.
struct StackSeen {
  MemcgIndex memcg = 0;
  Stack stack;  // without cgroup and container: those of the memcg
};

// Stacks were recorded, and those are all. Comes last of the three; while a service records they come again
// and again, and the places in the code are counted anew each time.
struct StacksCounted {
  std::uint64_t overflow_pages = 0;  // of more different stacks than are told apart
};

// A line of the kernel's log about an OOM kill.
struct KernelLogged {
  std::uint64_t time_ns = 0;            // of the log's clock, which is near CLOCK_MONOTONIC
  std::uint32_t pid = 0;                // the victim
  bool names_origin = false;            // it tells which memcg ran out, or that the node did
  std::optional<std::string> oom_path;  // that memcg; unset: the node
  std::string text;                     // untrusted bytes
  LogScope scope = LogScope::unknown;
  NodeKill node_kill = NodeKill::memory;       // where it was no memcg
  std::vector<std::string> victim_paths = {};  // the victim's memcg: all ways to read the line
  // Of the line that names the victim.
  std::string comm = {};  // untrusted bytes
  std::uint64_t anon_rss_bytes = 0;
  std::uint64_t file_rss_bytes = 0;
  std::uint64_t shmem_rss_bytes = 0;
  std::int32_t oom_score_adj = 0;
};

struct Noted {
  std::optional<MemcgIndex> memcg;  // whom it is about
  std::string text;
  bool is_of_reading = false;  // what is read is not the whole recording; never recorded itself
};

// The session as it is known now; the last one counts.
struct SessionKnown {
  std::uint64_t time_ns = 0;
  Session session;
  Target target;
  std::vector<Counter> events;
  std::vector<Counter> lost;
};

// The recording ends: every timeline is closed. Before it come the last rows.
struct RecordingEnded {
  std::uint64_t time_ns = 0;
};

using Fact = std::variant<MemcgRow, MemcgFound, MemcgNamed, MemcgCharged, ThreadSeen, InactiveFileRead,
                          MemoryStatRead, MemcgGone, ProcessKilled, TaskStalled, TasksHung, HighSet, LimitHit,
                          MovesThinned, BurstFound, SpikeFound, KernelCounts, ProcessAllocations, CodeNamed,
                          StackSeen, StacksCounted, KernelLogged, Noted, SessionKnown, RecordingEnded>;

}  // namespace memspike::facts
