// What is to be captured: the only place that knows one target from another.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cgroup/hierarchy.h"
#include "cgroup/roots.h"
#include "cgroup/wait.h"
#include "facts/session.h"
#include "probe/probe.h"

namespace memspike::capture {

struct Scope {
  cgroup::Hierarchy hierarchy;
  cgroup::Roots roots;
  std::vector<std::string> container_filter;
  std::optional<cgroup::WaitPlan> follow;  // births that become roots of the target
  facts::Target target;
};

// How it is looked at.
struct Looks {
  probe::Options probe;
  std::vector<std::string> disabled_features;
  std::optional<std::uint64_t> min_prominence_bytes;  // unset: by each memcg's limit
  // Hundreds are watched for months: see MemoryStat and Capture::look_for_memcgs. Stacks are taken while it
  // is looked closer, and told as they come.
  bool is_sparing = false;
};

}  // namespace memspike::capture
