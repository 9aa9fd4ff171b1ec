// The BPF side of a session, owned: open → settings → load → track → attach → drain.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "probe/features.h"
#include "probe/plan.h"

namespace memspike::probe {

struct Options {
  TierChoice tier = TierChoice::automatic;
  std::uint64_t sweep_period_ns = 1'000'000;
  std::uint32_t ring_bytes = 4U << 20;  // a power of two, at least a page
  std::uint32_t max_memcgs = 1024;      // tracked at the same time
  std::uint32_t max_processes = 8192;   // told apart per recording
  bool memory_is_v1 = false;            // the hierarchy that memory is on
  bool stacks = false;                  // record where a counter rises, if the kernel allows it
  bool measure_runs = false;            // have the kernel measure the programs: some ns a run
  // Told of each program that the kernel refuses, with what libbpf and the verifier said: many lines.
  std::function<void(const std::string& program, const std::string& log)> on_refused;
  std::vector<std::string> name_patterns;  // cgroups whose names begin so become roots when made (at most 8)
};

struct Hook {
  std::string event;
  std::string attach;
};

// Firings of one trigger, and what became of them: fired = unchanged + recorded + the losses.
struct TriggerCounts {
  std::uint64_t fired = 0;
  std::uint64_t unchanged = 0;
  std::uint64_t recorded = 0;
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

// How often a program ran, anywhere on the machine, and how long in all.
struct ProgramRuns {
  std::string program;
  std::uint64_t runs = 0;
  std::uint64_t ns = 0;
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

  // Attaches every program; from here on records flow.
  Result<void> attach();

  // Tracks a memcg and all below it. `cgroup_ids`: the inode numbers of its directory
  // and all above it, from the hierarchy's root down. ErrorKind::not_found when the
  // memory controller does not know the path.
  Result<void> track(std::span<const std::uint64_t> cgroup_ids);

  // Detaches everything and waits until no program runs any more: counts() stand
  // still from here on, and only look_at_all() adds to them.
  void detach();

  // Looks at every tracked memcg now: a record for each whose counter moved.
  void look_at_all();

  // Hands every waiting record to the sink. Returns how many.
  Result<std::size_t> drain(const Sink& sink);

  // Readable when records wait that want to be read: a batch of them, an OOM kill, a rise.
  int ring_fd() const;

  // A memcg that rises by this much makes records want to be read.
  void wake_at_rise(std::uint64_t bytes);

  // The slot of a removed memcg, once its MEMCG_GONE record was read, may be used again.
  void release_slot(std::uint32_t slot);

  Tier tier() const;
  const std::string& tier_reason() const;  // why not a better one; "" for the best

  bool takes_stacks() const;  // false where they were asked for: missing() says why

  // Call ten times a second, right after waking. Makes the CPUs ask again who runs on them
  // (bpf/current.bpf.h), and has the sweep's timer interrupt the CPU that this thread runs on: it idled
  // (bpf/sweep.bpf.c).
  void refresh();

  bool sweeps_by_itself() const;  // false: call look_at_all() every sweep period

  Counts counts() const;
  std::vector<ProcessCounts> processes() const;

  // Those that have ended, and makes room for others. (A flush on a CPU that is under way at this very moment
  // may be counted for whoever gets the entry next.)
  std::vector<ProcessCounts> take_processes(const std::function<bool(std::uint32_t tgid)>& has_ended);
  std::vector<ProgramRuns> runs() const;  // of programs that ran; none unless they are measured
  const std::vector<Hook>& hooks() const;
  const std::vector<std::string>& missing() const;  // "reclaim: …", for the notes

 private:
  struct State;
  explicit Probe(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace memspike::probe
