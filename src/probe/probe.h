// The BPF side of a session, owned: open → settings → load → track → attach → drain.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/programs.h"
#include "base/result.h"
#include "decode/event.h"
#include "probe/features.h"
#include "probe/plan.h"

namespace memspike::probe {

// How user stacks are found: as frame pointers lead, by copies that others unwind, or both.
enum class Stacks { off, frame_pointers, tables, automatic };

struct Options {
  TierChoice tier = TierChoice::automatic;
  DetailChoice detail = DetailChoice::pages;
  std::uint64_t sweep_period_ns = 1'000'000;
  std::uint32_t ring_bytes = 4U << 20;  // a power of two, at least a page
  std::uint32_t max_memcgs = 1024;      // tracked at the same time
  std::uint32_t max_processes = 8192;   // told apart per recording
  // So many moves of each memcg are told in the long run; others are counted (bpf/thin.bpf.h). 0: all are
  // told.
  std::uint32_t moves_per_second = 0;
  bool memory_is_v1 = false;    // the hierarchy that memory is on
  Stacks stacks = Stacks::off;  // record where a counter rises, if the kernel allows it
  // On one CPU they are so far apart in the long run. 0: a millisecond where they are copied, else as they
  // come.
  std::uint64_t stack_period_ns = 0;
  std::uint32_t stack_ring_bytes = 16U << 20;  // for their copies; a power of two
  bool measure_runs = false;                   // have the kernel measure the programs: some ns a run
  // Told of each program that the kernel refuses, with what libbpf and the verifier said: many lines.
  std::function<void(const std::string& program, const std::string& log)> on_refused;
  std::vector<std::string> name_patterns;  // cgroups whose names begin so become roots when made (at most 8)
};

using memspike::Hook;
using memspike::ProgramRuns;

// Firings of one trigger, and what became of them: fired = unchanged + recorded + thinned + the losses.
struct TriggerCounts {
  std::uint64_t fired = 0;
  std::uint64_t unchanged = 0;
  std::uint64_t recorded = 0;
  std::uint64_t thinned = 0;  // counted, and not told, for they were too many
  std::uint64_t lost_ring_full = 0;
  std::uint64_t lost_table_full = 0;
  std::uint64_t lost_nested = 0;

  std::uint64_t lost() const { return lost_ring_full + lost_table_full + lost_nested; }
};

struct Counts {
  std::vector<TriggerCounts> triggers;  // by enum memspike_trigger
  std::uint64_t kills_lost_ring_full = 0;
  std::uint64_t memcgs_lost_ring_full = 0;
  std::uint64_t stalls_lost = 0;
  std::uint64_t unattributed_pages = 0;
  std::uint64_t levels_cut = 0;  // records of a path deeper than MEMSPIKE_MAX_LEVELS: without the uppermost
  std::uint64_t recursion_misses = 0;  // firings that the kernel skipped, in the target or not
  std::uint64_t max_gap_ns = 0;
  std::uint64_t stacks = 0;
  std::uint64_t stacks_lost_ring_full = 0;

  TriggerCounts of_all_triggers() const;
};

// Page allocations of one process in one memcg.
struct ProcessCounts {
  std::uint64_t serial_nr = 0;
  std::uint32_t tgid = 0;  // 0: all that found no entry of their own
  std::string comm;        // untrusted bytes
  std::vector<std::uint64_t> allocations_by_order;
};

// A task of the target that waits now: no record has told of it yet.
struct Wait {
  std::uint64_t begin_ns = 0;
  std::uint64_t reclaim_ns = 0;  // since then, as records have told
  std::uint32_t slot = 0;        // of its memcg
  std::uint32_t tgid = 0;
  std::uint32_t tid = 0;
  bool throttled = false;  // by memory.high; else it reclaims
};

class Probe {
 public:
  using Sink = std::function<void(std::span<const std::byte>)>;

  // Opens, configures and loads. Optional programs that this kernel refuses are left
  // out (see hooks() and missing()); a required one is ErrorKind::unsupported.
  static Result<Probe> load(const Features& features, const Options& options);

  Probe(Probe&&) noexcept;
  Probe& operator=(Probe&&) noexcept;
  ~Probe();

  // Attaches every program of the detail; from here on records flow.
  Result<void> attach();

  // More or less is watched from now on: programs are attached and detached, all are loaded. The tallies and
  // what is tracked stay. ErrorKind::unsupported: not in this tier, or the kernel refuses; then as much as
  // before is watched, or less.
  Result<void> set_detail(Detail detail);

  // Tracks a memcg and all below it, the nearest to it first. `cgroup_ids`: the inode numbers of its
  // directory and all above it, from the hierarchy's root down. ErrorKind::not_found when the memory
  // controller does not know the path.
  Result<void> track(std::span<const std::uint64_t> cgroup_ids);

  // For how many of one walk there was no room. The kernel counts their memory in those above them.
  std::uint64_t untracked() const;

  // Detaches everything and waits until no program runs any more: counts() stand
  // still from here on, and only look_at_all() adds to them.
  void detach();

  // Looks at every tracked memcg now: a record for each whose counter moved.
  void look_at_all();

  // A sweep from user space: the same, of those whose turn it is (cadence.h).
  void sweep();

  // Hands every waiting record to the sink. Returns how many.
  Result<std::size_t> drain(const Sink& sink);

  // Readable when records wait that want to be read: a batch of them, an OOM kill, a rise.
  int ring_fd() const;

  // What rises by this much makes records want to be read: the memcg of a slot, and any of which nothing has
  // been said yet, at least.
  void wake_at_rise(std::uint32_t slot, std::uint64_t bytes);
  void wake_at_least_rise(std::uint64_t bytes);

  // Where pages and stacks are watched: of the memcgs in these slots alone, and of those that are made below
  // them from now on; of all, as from the beginning. Others are seen as where they are not watched.
  void look_closer_at(std::span<const std::uint32_t> slots);
  void look_closer_at_all();
  bool looks_closer_at(std::uint32_t slot) const;

  // The slot of a removed memcg, once its MEMCG_GONE record was read, may be used again.
  void release_slot(std::uint32_t slot);

  Tier tier() const;
  Detail detail() const;
  const std::string& tier_reason() const;  // why not a better one; "" for the best

  // The ring buffer with copies of user stacks (struct memspike_stack_copy), for whoever unwinds them.
  // nullopt: there are none; where they were asked for, missing() says why.
  struct StackCopies {
    int fd = -1;
    std::size_t bytes = 0;
  };
  std::optional<StackCopies> stack_copies() const;
  // Pages that no stack told of before the end, as stacks without frames. Leaves none.
  std::vector<decode::Stack> carried_stacks();

  bool takes_stacks() const;  // false where they were asked for: missing() says why
  // None are taken until it is called again with false.
  void rest_stacks(bool rest);

  // Call ten times a second, right after waking. Makes the CPUs ask again who runs on them
  // (bpf/current.bpf.h), and has the sweep's timer interrupt the CPU that this thread runs on: it idled
  // (bpf/sweep.bpf.c). Where the charge functions turn out to run for each charge and not for each batch,
  // they are left alone from here on: tier(), detail() and missing() say so.
  void refresh();

  bool sweeps_by_itself() const;  // false: call sweep() every sweep period

  Counts counts() const;
  std::vector<ProcessCounts> processes() const;

  // Those that have ended, and makes room for others. (A flush on a CPU that is under way at this very moment
  // may be counted for whoever gets the entry next.)
  std::vector<ProcessCounts> take_processes(const std::function<bool(std::uint32_t tgid)>& has_ended);
  std::vector<Wait> waits() const;
  std::vector<ProgramRuns> runs() const;  // of programs that ran; none unless they are measured
  std::uint64_t map_bytes() const;        // memory of the kernel that the maps take
  const std::vector<Hook>& hooks() const;
  const std::vector<std::string>& missing() const;  // "reclaim: …", for the notes

 private:
  struct State;
  explicit Probe(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace memspike::probe
