// The two targets that are paths: --cgroup and --pid.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "cgroup/hierarchy.h"
#include "cgroup/roots.h"

namespace memspike::cgroup {

// Paths relative to the mount. On v2 a cgroup without the memory controller is charged to its nearest
// ancestor that has it (cgroup_get_e_css of kernel/cgroup/cgroup.c).
struct ChargedTo {
  std::string memcg;
  std::string cgroup;  // that was asked for: the memcg itself, or one below it without the controller
};

// Of a path. not_found: names the nearest that exists; unsupported: charged to the root cgroup, whose memory
// the kernel does not count.
Result<ChargedTo> resolve_path(std::string_view path, const Hierarchy& hierarchy);

// Of a process. not_found: no such process, or it is charged to the root cgroup.
Result<ChargedTo> resolve_pid(int pid, const Hierarchy& hierarchy, const Roots& roots);

// The same for this process, whatever its number is in host_root's /proc.
Result<ChargedTo> resolve_self(const Hierarchy& hierarchy, const Roots& roots);

// The path in a /proc/PID/cgroup that counts for memory, as it stands there;
// empty: no such line.
std::string memory_line(std::string_view proc_cgroup, bool memory_is_v2);

}  // namespace memspike::cgroup
