// From what the user asked for to the memcgs to trace.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cgroup/hierarchy.h"
#include "cgroup/names.h"
#include "cgroup/roots.h"
#include "cgroup/scan.h"
#include "cgroup/target.h"
#include "cgroup/wait.h"

namespace memspike::cgroup {

struct ResolvedTarget {
  std::string
      description;  // "pod <uid>", "pod <namespace>/<name>", "cgroup /a/b", "process 4711", "unit x.service"
  std::optional<std::string> pod_uid;
  std::optional<std::string> namespace_name;
  std::optional<std::string> pod;
  std::optional<std::string> qos;
  // Memcgs to track with all that is or will be below them, relative to the
  // mount. Normally one; in the one-component layout each container is one.
  std::vector<std::string> root_paths;
  std::vector<ContainerInfo> containers;  // there now, whatever the filter says
  // Set when the pod has no cgroup of its own: a restarted container is born
  // beside root_paths, not below them, and is found as --wait finds it.
  std::optional<WaitPlan> follow;
  std::string note;  // what the user should know about it; mostly nothing
};

// ErrorKind::not_found: no such target, or several (the candidates are listed),
// or a filter that matches none of its containers; usage: a malformed target;
// unsupported: it is there, but the kernel or this process's view does not let
// its memory be seen.
Result<ResolvedTarget> resolve(const TargetSpec& spec, const Hierarchy& hierarchy, const Roots& roots,
                               Names& names);
Result<ResolvedTarget> resolve(const TargetSpec& spec, const Hierarchy& hierarchy, const Roots& roots);

}  // namespace memspike::cgroup
