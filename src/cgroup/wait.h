// What to look for when the target does not exist yet.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cgroup/hierarchy.h"
#include "cgroup/node_scope.h"
#include "cgroup/target.h"

namespace memspike::cgroup {

inline constexpr std::size_t kMaxWaitPatterns = 8;

// A birth that matches one of `leaf_prefixes` is only likely to be the target's:
// is_awaited() decides on the full path.
struct WaitPlan {
  // At most kMaxWaitPatterns beginnings of a new cgroup's own name, as a matcher
  // in the kernel compares them. Empty: the name does not tell (a pod's
  // NAMESPACE/NAME, a PID): resolve the target again from time to time.
  std::vector<std::string> leaf_prefixes;
  std::vector<std::string> full_paths;  // with --cgroup: relative to the mount; one of them
  std::optional<std::string> pod_uid;   // with --pod-uid: as asked
  std::optional<NodeScope> scope;       // of a service: everything of that kind
};

// Of a whole node.
WaitPlan await_scope(NodeScope scope);

// ErrorKind::usage for a malformed target. Of a UID of 32 digits without dashes
// both spellings are awaited, since a static pod's has none.
Result<WaitPlan> wait_patterns(const TargetSpec& spec, const Hierarchy& hierarchy);

// Whether the cgroup at `relative_path` is (a root of) what the plan awaits.
bool is_awaited(const WaitPlan& plan, std::string_view relative_path);

}  // namespace memspike::cgroup
