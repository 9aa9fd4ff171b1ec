// What a service watches: all of a kind on this node, and how what comes later is noticed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cgroup/hierarchy.h"

namespace memspike::cgroup {

enum class NodeScope {
  pods,
  containers,  // pods and those of Docker, Podman, LXC and their like
  services,    // of systemd
  all,         // every cgroup
};

// Whether all that is at and below this path is of the scope, by its name alone.
bool is_scope_root(NodeScope scope, std::string_view path);

// Those that there are now, outermost only: none lies below another.
std::vector<std::string> find_scope_roots(NodeScope scope, const Hierarchy& hierarchy);

// Beginnings of names that may become one, for a matcher in the kernel; "" is that of every name.
std::vector<std::string> scope_prefixes(NodeScope scope);

}  // namespace memspike::cgroup
