// What a Probe owns. Private to this room.
#pragma once

#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "probe/cadence.h"
#include "probe/firing_ratio.h"
#include "probe/handles.h"
#include "probe/mapped.h"
#include "probe/plan.h"
#include "probe/probe.h"

namespace memspike::probe {

// A program of the plan that is attached. The sweep's timer has no link.
struct Attached {
  Program program;
  LinkPtr link;
};

struct Probe::State {
  SkeletonPtr skeleton;
  Tallies tallies;
  Plan plan;
  std::vector<Attached> attached;
  RingPtr ring;
  const Sink* sink = nullptr;  // set while draining
  bool timer_runs = false;
  bool watches_high = false;
  FiringRatio firing_ratio;
  double most_firings_per_move = FiringRatio::kMost;
  Cadence cadence;
  Mapped<std::uint32_t> moved_ticks;  // by slot: cadences of bpf/state.bpf.h
  Mapped<std::uint64_t> rises;        // by slot: likewise
  Mapped<std::uint64_t> closer;       // by slot: likewise
  Stacks stacks = Stacks::off;
  std::uint64_t untracked = 0;  // most that found no slot in one walk
  UniqueFd run_stats;           // while open, the kernel measures the programs
  std::uint64_t map_bytes = 0;  // 0: not asked yet
  bool has_processes = false;   // the table of processes may hold some
  void make_forget();
  int attach(const Program& program);
  void detach_above(Detail detail);
  void list_hooks();
  void set_switches();
  Result<void> set_detail(Detail detail);
  void watch_high();  // who is throttled, as soon as a memcg has memory.high set
  void check_charge_hooks();
  Counts count() const;  // without what the kernel counts: that takes a system call for each program
  void stop_hooking_charges(double firings_per_move);
  void look_at(std::uint32_t slot);

  std::vector<Hook> hooks;
  std::vector<std::string> missing;
};

}  // namespace memspike::probe
