#include "cgroup/scan.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "cgroup/host_files.h"
#include "cgroup/lone_names.h"
#include "cgroup/text.h"

namespace memspike::cgroup {
namespace {

constexpr std::size_t kMaxDepth = 64;
constexpr std::size_t kMaxMemcgs = std::size_t{1} << 18;
constexpr std::size_t kMinIdPrefix = 4;

// What the walk found of one UID, before it is decided what counts.
struct Found {
  struct Group {
    std::string path;
    bool is_inside_pod = false;  // of another pod: a nested cluster, or a container's invention
  };
  std::optional<std::string> qos;
  std::vector<Group> pod_cgroups;
  std::vector<Group> containers;
};

bool is_inside_pod(std::string_view path) { return parse_layout(parent_path(path)).pod_uid.has_value(); }

void note(std::map<std::string, Found>& pods, const std::string& path) {
  const Layout layout = parse_layout(path);
  if (!layout.pod_uid || layout.is_conmon || layout.is_nested) return;
  Found& found = pods[*layout.pod_uid];
  if (!found.qos) found.qos = layout.qos;
  if (layout.role == Role::pod) {
    found.pod_cgroups.push_back({path, is_inside_pod(path)});
  } else if (layout.role == Role::container) {
    found.containers.push_back({path, is_inside_pod(layout.pod_path.value_or(path))});
  }
}

// A container can make a cgroup that is called like somebody else's pod. The
// real one is inside no other pod, and wins.
void drop_inner(std::vector<Found::Group>& groups) {
  groups.erase(std::remove_if(groups.begin(), groups.end(), [](const auto& g) { return g.is_inside_pod; }),
               groups.end());
}

void keep_outermost(Found& found) {
  const auto is_outer = [](const Found::Group& group) { return !group.is_inside_pod; };
  const bool has_outer = std::any_of(found.pod_cgroups.begin(), found.pod_cgroups.end(), is_outer) ||
                         std::any_of(found.containers.begin(), found.containers.end(), is_outer);
  if (!has_outer) return;
  drop_inner(found.pod_cgroups);
  drop_inner(found.containers);
}

bool has_container_below(const Found& found, const std::string& pod_path) {
  return std::any_of(found.containers.begin(), found.containers.end(),
                     [&](const auto& container) { return is_below(container.path, pod_path); });
}

// A change of the cgroup driver leaves the old driver's empty pod cgroups behind.
void drop_stale(Found& found) {
  const bool any_lives =
      std::any_of(found.pod_cgroups.begin(), found.pod_cgroups.end(),
                  [&](const auto& group) { return has_container_below(found, group.path); });
  if (!any_lives) return;
  found.pod_cgroups.erase(
      std::remove_if(found.pod_cgroups.begin(), found.pod_cgroups.end(),
                     [&](const auto& group) { return !has_container_below(found, group.path); }),
      found.pod_cgroups.end());
}

std::vector<std::string> root_paths_of(const Found& found) {
  std::vector<std::string> roots;
  for (const auto& group : found.pod_cgroups) roots.push_back(group.path);
  for (const auto& container : found.containers) {
    const bool covered = std::any_of(roots.begin(), roots.end(),
                                     [&](const std::string& root) { return is_below(container.path, root); });
    if (!covered) roots.push_back(container.path);
  }
  return roots;
}

ContainerEntry read_container(const Hierarchy& hierarchy, Names& names, const std::string& path) {
  const auto dir = memcg_dir(hierarchy, path);
  const Layout layout = parse_layout(path);
  const std::string id = layout.container_id.value_or("");
  const ContainerNames known = names.container(id);
  ContainerEntry entry;
  entry.info.id = id;
  entry.info.name = known.container ? known.container : name_in_path(layout);
  entry.info.role = known.is_sandbox.value_or(false) ? Role::sandbox : Role::container;
  entry.limit_bytes = read_limit_bytes(dir);
  entry.usage_bytes = read_usage_bytes(dir);
  entry.kernel_peak = read_kernel_peak(dir);
  entry.path = path;
  return entry;
}

// Containers of one pod that no source by id names.
std::vector<ContainerEntry*> nameless(std::vector<ContainerEntry>& containers) {
  std::vector<ContainerEntry*> result;
  for (ContainerEntry& entry : containers) {
    if (!entry.info.name && entry.info.role == Role::container) result.push_back(&entry);
  }
  return result;
}

// One name without an id and one id without a name belong together; pause has
// no limit, which tells the two nameless ones apart.
void infer_name(std::vector<ContainerEntry>& containers, const std::vector<std::string>& unassigned) {
  auto candidates = nameless(containers);
  // Alone in its pod and without a limit: the pause container, which starts first.
  if (containers.size() == 1 && candidates.size() == 1 && !candidates.front()->limit_bytes) return;
  if (candidates.size() > 1) {
    candidates.erase(std::remove_if(candidates.begin(), candidates.end(),
                                    [](const ContainerEntry* entry) { return !entry->limit_bytes; }),
                     candidates.end());
  }
  if (unassigned.size() == 1 && candidates.size() == 1) candidates.front()->info.name = unassigned.front();
}

// Without the runtime's word: the only container that has no name and no limit,
// beside others that have names, is the pause container.
void infer_sandbox(std::vector<ContainerEntry>& containers) {
  bool any_named = false;
  for (const ContainerEntry& entry : containers) {
    if (entry.info.role == Role::sandbox) return;
    any_named = any_named || entry.info.name.has_value();
  }
  const auto candidates = nameless(containers);
  if (any_named && candidates.size() == 1 && !candidates.front()->limit_bytes) {
    candidates.front()->info.role = Role::sandbox;
  }
}

std::vector<ContainerEntry> read_containers(const Hierarchy& hierarchy, Names& names, const std::string& uid,
                                            const std::vector<std::string>& paths) {
  std::vector<ContainerEntry> containers;
  for (const std::string& path : paths) containers.push_back(read_container(hierarchy, names, path));
  // After read_container, which may have learnt more ids.
  infer_name(containers, names.unassigned_containers(uid));
  infer_sandbox(containers);
  return containers;
}

// `Pod`: a PodEntry or a PodInfo. By the pod's logs, else by what the runtime knows of a container of it.
template <class Pod>
bool name_by_logs(Pod& pod, const Names& names) {
  const PodNames* known = names.pod(pod.uid);
  if (known == nullptr) return false;
  pod.namespace_name = known->namespace_name;
  pod.pod = known->pod;
  return true;
}

template <class Pod>
bool name_by_container(Pod& pod, const std::string& container_id, Names& names) {
  const ContainerNames known = names.container(container_id);
  if (!known.pod || !known.namespace_name) return false;
  pod.namespace_name = known.namespace_name;
  pod.pod = known.pod;
  return true;
}

void name_pod(PodEntry& pod, Names& names) {
  if (name_by_logs(pod, names)) return;
  for (const ContainerEntry& entry : pod.containers) {
    if (name_by_container(pod, entry.info.id, names)) return;
  }
}

PodEntry make_pod(const Hierarchy& hierarchy, Names& names, const std::string& uid, Found& found) {
  keep_outermost(found);
  drop_stale(found);
  PodEntry pod;
  pod.uid = uid;
  pod.qos = found.qos;
  pod.root_paths = root_paths_of(found);
  std::vector<std::string> paths;
  for (const auto& container : found.containers) paths.push_back(container.path);
  pod.containers = read_containers(hierarchy, names, uid, paths);
  name_pod(pod, names);
  if (found.pod_cgroups.empty()) return pod;
  pod.path = found.pod_cgroups.front().path;
  const auto dir = memcg_dir(hierarchy, *pod.path);
  pod.limit_bytes = read_limit_bytes(dir);
  pod.usage_bytes = read_usage_bytes(dir);
  pod.kernel_peak = read_kernel_peak(dir);
  return pod;
}

// The cgroups of the containers of the pod that `layout` belongs to.
std::vector<std::string> container_paths(const Hierarchy& hierarchy, const Layout& layout) {
  const std::string above = layout.pod_path.value_or(parent_path(layout.container_path.value_or("/")));
  std::vector<std::string> paths;
  for (const DirectoryEntry& entry : list_directory(memcg_dir(hierarchy, above))) {
    if (!entry.is_directory) continue;
    const std::string path = normal_path(above + "/" + entry.name);
    const Layout other = parse_layout(path);
    if (other.role == Role::container && other.pod_uid == layout.pod_uid) paths.push_back(path);
  }
  return paths;
}

PodInfo describe_pod(const Layout& layout, const Hierarchy& hierarchy, Names& names) {
  PodInfo pod{*layout.pod_uid, {}, {}, layout.qos};
  if (name_by_logs(pod, names)) return pod;
  if (layout.container_id && name_by_container(pod, *layout.container_id, names)) return pod;
  for (const std::string& path : container_paths(hierarchy, layout)) {
    if (name_by_container(pod, parse_layout(path).container_id.value_or(""), names)) break;
  }
  return pod;
}

}  // namespace

void walk_memcgs(const Hierarchy& hierarchy, std::string_view start,
                 const std::function<bool(const std::string&)>& visit) {
  struct Step {
    std::string path;
    std::size_t depth;
  };
  std::vector<Step> todo{{normal_path(start), 0}};
  for (std::size_t count = 0; !todo.empty() && count < kMaxMemcgs; ++count) {
    const Step step = std::move(todo.back());
    todo.pop_back();
    if (!visit(step.path)) return;
    if (step.depth == kMaxDepth) continue;
    const auto entries = list_directory(memcg_dir(hierarchy, step.path));
    // The stack turns the order around: push the last name first.
    for (auto entry = entries.rbegin(); entry != entries.rend() && todo.size() < kMaxMemcgs; ++entry) {
      if (entry->is_directory) todo.push_back({normal_path(step.path + "/" + entry->name), step.depth + 1});
    }
  }
}

std::vector<PodEntry> list_pods(const Hierarchy& hierarchy, Names& names) {
  std::map<std::string, Found> found;
  walk_memcgs(hierarchy, "/", [&](const std::string& path) {
    note(found, path);
    return true;
  });
  std::vector<PodEntry> pods;
  for (auto& [uid, what] : found) pods.push_back(make_pod(hierarchy, names, uid, what));
  std::stable_sort(pods.begin(), pods.end(), [](const PodEntry& a, const PodEntry& b) {
    return std::tie(a.namespace_name, a.pod, a.uid) < std::tie(b.namespace_name, b.pod, b.uid);
  });
  return pods;
}

std::vector<PodEntry> list_pods(const Hierarchy& hierarchy, const Roots& roots) {
  Names names(roots);
  return list_pods(hierarchy, names);
}

std::vector<ContainerEntry> list_containers(const Hierarchy& hierarchy, Names& names, std::string_view path) {
  std::vector<ContainerEntry> containers;
  walk_memcgs(hierarchy, path, [&](const std::string& memcg) {
    if (parse_layout(memcg).role != Role::container) return true;
    ContainerEntry entry = read_container(hierarchy, names, memcg);
    if (const auto described = describe_memcg(memcg, hierarchy, names).container) entry.info = *described;
    containers.push_back(std::move(entry));
    return true;
  });
  return containers;
}

std::vector<ContainerEntry> list_lone_containers(const Hierarchy& hierarchy, Names& names) {
  std::vector<ContainerEntry> containers = list_containers(hierarchy, names, "/");
  std::erase_if(containers, [](const ContainerEntry& entry) {
    const Layout layout = parse_layout(entry.path);
    return layout.pod_uid || layout.is_conmon;
  });
  return containers;
}

std::vector<std::string> list_services(const Hierarchy& hierarchy) {
  std::vector<std::string> services;
  walk_memcgs(hierarchy, "/", [&](const std::string& memcg) {
    const Layout layout = parse_layout(memcg);
    const bool is_of_container = layout.container_id.has_value() || layout.pod_uid.has_value();
    if (ends_with(memcg, ".service") && !is_of_container) services.push_back(memcg);
    return true;
  });
  return services;
}

MemcgDescription describe_memcg(std::string_view path, const Hierarchy& hierarchy, Names& names) {
  MemcgDescription result;
  result.layout = parse_layout(path);
  result.role = result.layout.role;
  if (result.layout.pod_uid) result.pod = describe_pod(result.layout, hierarchy, names);
  if (!result.layout.container_id || result.layout.is_conmon) return result;
  const ContainerNames known = names.container(*result.layout.container_id);
  ContainerInfo info{*result.layout.container_id,
                     known.container ? known.container : name_in_path(result.layout), Role::container};
  if (known.is_sandbox.value_or(false)) info.role = Role::sandbox;
  const bool unclear = !info.name && info.role != Role::sandbox && result.layout.pod_uid;
  if (unclear) {
    for (const ContainerEntry& entry : read_containers(hierarchy, names, *result.layout.pod_uid,
                                                       container_paths(hierarchy, result.layout))) {
      if (entry.path == *result.layout.container_path) info = entry.info;
    }
  }
  if (result.role == Role::container) result.role = info.role;
  result.container = std::move(info);
  return result;
}

bool container_matches(const std::vector<std::string>& filter, const ContainerInfo& container) {
  if (filter.empty()) return true;
  return std::any_of(filter.begin(), filter.end(), [&](const std::string& wanted) {
    if (container.name == wanted || container.id == wanted) return true;
    return wanted.size() >= kMinIdPrefix && starts_with(container.id, wanted);
  });
}

}  // namespace memspike::cgroup
