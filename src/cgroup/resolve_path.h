// The two targets that are paths: --cgroup and --pid.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "cgroup/hierarchy.h"
#include "cgroup/roots.h"

namespace memspike::cgroup {

// The memcg that a path names, relative to the mount. not_found: names the
// nearest that exists; unsupported: a v2 cgroup without the memory controller.
Result<std::string> resolve_path(std::string_view path, const Hierarchy& hierarchy);

// The memcg that charges a process, relative to the mount: on v2 possibly an
// ancestor of its cgroup. not_found: no such process, or it is in the root cgroup.
Result<std::string> resolve_pid(int pid, const Hierarchy& hierarchy, const Roots& roots);

// The same for this process, whatever its number is in host_root's /proc.
Result<std::string> resolve_self(const Hierarchy& hierarchy, const Roots& roots);

// The path in a /proc/PID/cgroup that counts for memory, as it stands there;
// empty: no such line.
std::string memory_line(std::string_view proc_cgroup, bool memory_is_v2);

}  // namespace memspike::cgroup
