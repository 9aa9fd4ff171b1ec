#include "cgroup/node_scope.h"

#include <algorithm>
#include <array>

#include "cgroup/layout.h"
#include "cgroup/scan.h"
#include "cgroup/text.h"

namespace memspike::cgroup {
namespace {

std::string_view leaf_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

// "kubepods", "kubepods.slice", "kubelet-kubepods.slice", and a pod's or a container's own cgroup where a
// runtime makes one component of it.
bool is_of_kubelet(std::string_view leaf) {
  const std::size_t at = leaf.find("kubepods");
  return at == 0 || (at != std::string_view::npos && leaf[at - 1] == '-');
}

bool is_of_containers(std::string_view path) {
  constexpr std::array<std::string_view, 7> kParents{"docker",      "libpod_parent", "machine.slice", "lxc",
                                                     "lxc.payload", "nomad",         "nomad.slice"};
  const std::string_view leaf = leaf_of(path);
  if (std::find(kParents.begin(), kParents.end(), leaf) != kParents.end()) return true;
  if (starts_with(leaf, "lxc.payload.")) return true;
  const Layout layout = parse_layout(path);
  return layout.role == Role::container && !layout.pod_uid;
}

}  // namespace

bool is_scope_root(NodeScope scope, std::string_view path) {
  const std::string_view leaf = leaf_of(path);
  switch (scope) {
    case NodeScope::pods:
      return is_of_kubelet(leaf);
    case NodeScope::containers:
      return is_of_kubelet(leaf) || is_of_containers(path);
    case NodeScope::services:
      return path == "/system.slice";
    case NodeScope::all:
      return path.size() > 1 && path.find('/', 1) == std::string_view::npos;
  }
  return false;
}

std::vector<std::string> find_scope_roots(NodeScope scope, const Hierarchy& hierarchy) {
  std::vector<std::string> roots;
  walk_memcgs(hierarchy, "/", [&](const std::string& path) {
    const bool is_covered = std::any_of(roots.begin(), roots.end(),
                                        [&](const std::string& root) { return is_below(path, root); });
    if (!is_covered && is_scope_root(scope, path)) roots.push_back(path);
    return true;
  });
  return roots;
}

std::vector<std::string> scope_prefixes(NodeScope scope) {
  switch (scope) {
    case NodeScope::pods:
      return {"kubepods", "kubelet-kubepods"};
    case NodeScope::containers:
      return {"kubepods", "kubelet-kubepods", "docker", "libpod", "lxc", "nomad", "machine.slice", "crio-"};
    case NodeScope::services:
      return {"system.slice"};
    case NodeScope::all:
      return {""};
  }
  return {};
}

}  // namespace memspike::cgroup
