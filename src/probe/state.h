// What a Probe owns. Private to this room.
#pragma once

#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "probe/handles.h"
#include "probe/plan.h"
#include "probe/probe.h"
#include "probe/tallies.h"

namespace memspike::probe {

struct Probe::State {
  SkeletonPtr skeleton;
  Tallies tallies;
  Plan plan;
  std::vector<LinkPtr> links;
  RingPtr ring;
  const Sink* sink = nullptr;  // set while draining
  bool timer_runs = false;
  bool takes_stacks = false;
  UniqueFd run_stats;  // while open, the kernel measures the programs
  std::vector<Hook> hooks;
  std::vector<std::string> missing;
};

}  // namespace memspike::probe
