#include "cgroup/resolve.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "cgroup/lone_names.h"
#include "cgroup/resolve_path.h"
#include "cgroup/suggest.h"
#include "cgroup/text.h"

namespace memspike::cgroup {
namespace {

using Pods = std::vector<PodEntry>;

std::vector<std::string> labels(const Pods& pods) {
  std::vector<std::string> result;
  for (const PodEntry& pod : pods) result.push_back(pod_label(pod));
  return result;
}

std::string on_this_node(const Pods& pods) {
  if (pods.empty()) return "there are no pods in this node's memory hierarchy";
  return fmt::format("on this node: {}", bounded_list(labels(pods)));
}

// "no pod X on this node; the nearest is Y", by the texts in `keys`, one a pod.
tl::unexpected<Error> no_such_pod(const std::string& asked, std::string_view wanted, const Pods& pods,
                                  const std::vector<std::string>& keys) {
  std::string message = fmt::format("no pod {} on this node", printable(asked));
  const std::size_t near = nearest(wanted, keys);
  if (near != std::string::npos) {
    message += fmt::format("; the nearest is {}", printable(pod_label(pods[near]), 512));
  }
  return not_found(std::move(message), on_this_node(pods));
}

Result<PodEntry> only_one(const std::string& asked, Pods matches) {
  if (matches.size() == 1) return std::move(matches.front());
  return not_found(fmt::format("{} is ambiguous: {} pods match", printable(asked), matches.size()),
                   fmt::format("candidates: {}", bounded_list(labels(matches))));
}

template <class Predicate>
Pods select(const Pods& pods, Predicate matches) {
  Pods result;
  std::copy_if(pods.begin(), pods.end(), std::back_inserter(result), matches);
  return result;
}

// A pod that ended leaves its logs for a while: better to say so than to call it unknown.
tl::unexpected<Error> not_running(const PodNames& pod) {
  return not_found(
      fmt::format("pod {} ({}/{}) has logs on this node, but no memory cgroup: it is not running",
                  printable(pod.uid), pod.namespace_name, pod.pod),
      "start it, or use --wait to trace it from its first page");
}

Result<PodEntry> find_by_uid(const std::string& uid, const Pods& pods, const Names& names) {
  Pods matches = select(pods, [&](const PodEntry& pod) { return squash_uid(pod.uid) == squash_uid(uid); });
  if (matches.empty()) matches = select(pods, [&](const PodEntry& pod) { return uid_matches(uid, pod.uid); });
  if (!matches.empty()) return only_one(uid, std::move(matches));
  for (const PodNames& logged : names.pods()) {
    if (uid_matches(uid, logged.uid)) return not_running(logged);
  }
  std::vector<std::string> keys;
  for (const PodEntry& pod : pods) keys.push_back(squash_uid(pod.uid));
  return no_such_pod(uid, squash_uid(uid), pods, keys);
}

std::string full_name(const PodEntry& pod) {
  return fmt::format("{}/{}", pod.namespace_name.value_or(""), pod.pod.value_or(""));
}

Result<PodEntry> find_by_name(const std::string& name, const Pods& pods, const Names& names) {
  Pods matches = select(pods, [&](const PodEntry& pod) { return pod.pod && full_name(pod) == name; });
  if (!matches.empty()) return only_one(name, std::move(matches));
  for (const PodNames& logged : names.pods()) {
    if (logged.namespace_name + "/" + logged.pod == name) return not_running(logged);
  }
  const Pods named = select(pods, [](const PodEntry& pod) { return pod.pod.has_value(); });
  if (named.empty() && !pods.empty()) {
    return not_found(
        fmt::format("no pod {}: none of the node's pods has a name here", printable(name)),
        "names come from /var/log/pods and the runtime's files below --host-root; use --pod-uid");
  }
  std::vector<std::string> keys;
  for (const PodEntry& pod : named) keys.push_back(full_name(pod));
  return no_such_pod(name, name, named, keys);
}

ResolvedTarget from_pod(const PodEntry& pod, std::string description) {
  ResolvedTarget target;
  target.description = std::move(description);
  target.pod_uid = pod.uid;
  target.namespace_name = pod.namespace_name;
  target.pod = pod.pod;
  target.qos = pod.qos;
  target.root_paths = pod.root_paths;
  for (const ContainerEntry& entry : pod.containers) target.containers.push_back(entry.info);
  return target;
}

Result<void> add_follow(ResolvedTarget& target, const PodEntry& pod, const Hierarchy& hierarchy) {
  if (pod.path) return {};
  TargetSpec whole;
  whole.pod_uid = pod.uid;
  auto plan = wait_patterns(whole, hierarchy);
  if (!plan) return tl::unexpected<Error>(plan.error());
  target.follow = std::move(*plan);
  return {};
}

ResolvedTarget from_path(const std::string& path, std::string description, const Hierarchy& hierarchy,
                         Names& names) {
  ResolvedTarget target;
  target.description = std::move(description);
  target.root_paths = {path};
  const Layout layout = parse_layout(path);
  target.pod_uid = layout.pod_uid;
  target.qos = layout.qos;
  for (const ContainerEntry& entry : list_containers(hierarchy, names, path))
    target.containers.push_back(entry.info);
  if (!layout.pod_uid) return target;
  if (const PodNames* pod = names.pod(*layout.pod_uid)) {
    target.namespace_name = pod->namespace_name;
    target.pod = pod->pod;
    return target;
  }
  std::vector<std::string> ids;
  if (layout.container_id) ids.push_back(*layout.container_id);
  for (const ContainerInfo& container : target.containers) ids.push_back(container.id);
  for (const std::string& id : ids) {
    const ContainerNames known = names.container(id);
    if (!target.pod) target.pod = known.pod;
    if (!target.namespace_name) target.namespace_name = known.namespace_name;
  }
  return target;
}

Result<void> check_containers(const TargetSpec& spec, const ResolvedTarget& target) {
  if (spec.containers_may_come) return {};
  for (const std::string& wanted : spec.containers) {
    const bool found =
        std::any_of(target.containers.begin(), target.containers.end(),
                    [&](const auto& container) { return container_matches({wanted}, container); });
    if (found) continue;
    std::vector<std::string> there;
    for (const ContainerInfo& container : target.containers) there.push_back(container_label(container));
    return not_found(
        fmt::format("no container {} in {}", printable(wanted), printable(target.description, 512)),
        there.empty() ? "it has no containers now" : fmt::format("there: {}", bounded_list(there)));
  }
  return {};
}

Result<ResolvedTarget> resolve_pod(const TargetSpec& spec, const Hierarchy& hierarchy, Names& names) {
  const Pods pods = list_pods(hierarchy, names);
  auto pod = spec.pod_uid ? find_by_uid(*spec.pod_uid, pods, names) : find_by_name(*spec.pod, pods, names);
  if (!pod) return tl::unexpected<Error>(pod.error());
  ResolvedTarget target = from_pod(*pod, fmt::format("pod {}", spec.pod ? *spec.pod : pod->uid));
  if (auto added = add_follow(target, *pod, hierarchy); !added) return tl::unexpected<Error>(added.error());
  return target;
}

// The one path of those that fit; else a message with what there is (`known`). `kind` takes an "s" for
// several.
Result<std::string> only_path(std::string_view asked, std::string_view kind,
                              const std::vector<std::string>& fitting,
                              const std::vector<std::string>& known) {
  if (fitting.size() == 1) return fitting.front();
  if (!fitting.empty()) {
    return not_found(fmt::format("{} is ambiguous: {} {}s match", printable(asked), fitting.size(), kind),
                     fmt::format("say which by --cgroup: {}", bounded_list(fitting)));
  }
  std::string message = fmt::format("no {} {} on this node", kind, printable(asked));
  const std::size_t near = nearest(asked, known);
  if (near != std::string::npos) message += fmt::format("; the nearest is {}", printable(known[near], 512));
  return not_found(std::move(message), known.empty()
                                           ? fmt::format("there are no {}s in its memory hierarchy", kind)
                                           : fmt::format("on this node: {}", bounded_list(known)));
}

Result<std::string> path_of_container(const std::string& name, const Hierarchy& hierarchy, Names& names) {
  std::vector<std::string> fitting, known;
  for (const ContainerEntry& entry : list_lone_containers(hierarchy, names)) {
    const bool is_task = entry.info.name && is_task_of(name, *entry.info.name);
    if (is_task || container_matches({name}, entry.info)) fitting.push_back(entry.path);
    known.push_back(container_label(entry.info));
  }
  return only_path(name, "plain container", fitting, known);
}

Result<std::string> path_of_unit(const std::string& unit, const Hierarchy& hierarchy) {
  const std::string full = unit.find('.') == std::string::npos ? unit + ".service" : unit;
  std::vector<std::string> fitting, known;
  for (const std::string& path : list_services(hierarchy)) {
    known.emplace_back(split(path, '/').back());
    if (known.back() == full) fitting.push_back(path);
  }
  return only_path(full, "unit", fitting, known);
}

Result<ResolvedTarget> resolve_named(const TargetSpec& spec, const Hierarchy& hierarchy, Names& names) {
  const auto path =
      spec.name ? path_of_container(*spec.name, hierarchy, names) : path_of_unit(*spec.unit, hierarchy);
  if (!path) return tl::unexpected<Error>(path.error());
  return from_path(*path,
                   spec.name ? fmt::format("container {}", *spec.name) : fmt::format("unit {}", *spec.unit),
                   hierarchy, names);
}

Result<ResolvedTarget> resolve_memcg(const TargetSpec& spec, const Hierarchy& hierarchy, const Roots& roots,
                                     Names& names) {
  const auto charged =
      spec.pid ? resolve_pid(*spec.pid, hierarchy, roots) : resolve_path(*spec.cgroup_path, hierarchy);
  if (!charged) return tl::unexpected<Error>(charged.error());
  const std::string& memcg = charged->memcg;
  ResolvedTarget target =
      from_path(memcg, spec.pid ? fmt::format("process {}", *spec.pid) : fmt::format("cgroup {}", memcg),
                hierarchy, names);
  if (memcg != charged->cgroup) {
    target.note = fmt::format(
        "cgroup {} does not have the memory controller: its memory is charged to {}, which is traced",
        printable(charged->cgroup, 512), printable(memcg, 512));
  }
  return target;
}

}  // namespace

Result<ResolvedTarget> resolve(const TargetSpec& spec, const Hierarchy& hierarchy, const Roots& roots,
                               Names& names) {
  if (const auto checked = check_spec(spec); !checked) return tl::unexpected<Error>(checked.error());
  auto target = spec.pod_uid || spec.pod ? resolve_pod(spec, hierarchy, names)
                : spec.name || spec.unit ? resolve_named(spec, hierarchy, names)
                                         : resolve_memcg(spec, hierarchy, roots, names);
  if (!target) return target;
  if (const auto checked = check_containers(spec, *target); !checked)
    return tl::unexpected<Error>(checked.error());
  return target;
}

Result<ResolvedTarget> resolve(const TargetSpec& spec, const Hierarchy& hierarchy, const Roots& roots) {
  Names names(roots);
  return resolve(spec, hierarchy, roots, names);
}

}  // namespace memspike::cgroup
