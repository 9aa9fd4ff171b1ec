#include "cgroup/meaning.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "cgroup/layout.h"
#include "cgroup/lone_names.h"
#include "cgroup/resolve_path.h"
#include "cgroup/scan.h"
#include "cgroup/suggest.h"
#include "cgroup/text.h"

namespace memspike::cgroup {
namespace {

// One thing that the text may mean, and how to say that it does.
struct Meaning {
  TargetSpec spec;
  std::string option;
};

constexpr std::size_t kLeastOfAnId = 4;  // characters of a UID or an id that are taken for its beginning

class Meanings {
 public:
  Meanings(std::string_view text, const Hierarchy& hierarchy, const Roots& roots)
      : text_(text), hierarchy_(hierarchy), roots_(roots) {}

  void look_at(const std::vector<PodEntry>& pods) {
    for (const PodEntry& pod : pods) look_at(pod);
    if (meanings_.empty()) {
      for (const PodEntry& pod : pods) {
        if (pod.pod && begins(*pod.pod)) add_pod(pod);
      }
    }
  }

  // Those of Docker, Podman and their like. What is called like something of a pod is that.
  void look_at_lone(const std::vector<ContainerEntry>& containers) {
    for (const ContainerEntry& entry : containers) {
      const bool is_called_so =
          entry.info.name && (*entry.info.name == text_ || is_task_of(text_, *entry.info.name));
      if (!is_called_so && !is_beginning_of_id(entry.info.id)) continue;
      TargetSpec spec;
      spec.cgroup_path = entry.path;
      add(std::move(spec), fmt::format("--name {}", entry.info.name.value_or(entry.info.id.substr(0, 12))));
    }
  }

  void look_for_unit() {
    for (const std::string& path : list_services(hierarchy_)) {
      const std::string_view unit = std::string_view(path).substr(path.rfind('/') + 1);
      const bool is_called_so = unit == text_ || unit == fmt::format("{}.service", text_);
      if (!is_called_so) continue;
      TargetSpec spec;
      spec.cgroup_path = path;
      add(std::move(spec), fmt::format("--unit {}", unit));
    }
  }

  void look_for_cgroup() {
    TargetSpec spec;
    spec.cgroup_path = std::string(text_);
    if (resolve_path(text_, hierarchy_)) add(std::move(spec), fmt::format("--cgroup {}", text_));
  }

  void look_for_process() {
    TargetSpec spec;
    int pid = 0;
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), pid);
    if (error != std::errc{} || end != text_.data() + text_.size() || pid <= 0) return;
    if (!resolve_pid(pid, hierarchy_, roots_)) return;
    spec.pid = pid;
    add(std::move(spec), fmt::format("--pid {}", pid));
  }

  bool none() const { return meanings_.empty(); }

  // A pod that is called like one of its containers holds it.
  std::vector<Meaning>& found() {
    const bool has_pod =
        !meanings_.empty() && meanings_.front().spec.pod_uid && meanings_.front().spec.containers.empty();
    const bool is_whole =
        has_pod && std::all_of(meanings_.begin(), meanings_.end(), [&](const Meaning& other) {
          return other.spec.pod_uid == meanings_.front().spec.pod_uid;
        });
    if (is_whole) meanings_.resize(1);
    return meanings_;
  }

 private:
  // What people see in lists: "checkout" of "checkout-7d9f-x2x9p".
  bool begins(std::string_view name) const {
    return name.size() > text_.size() && starts_with(name, text_) && name[text_.size()] == '-';
  }

  bool is_beginning_of_id(std::string_view id) const {
    return text_.size() >= kLeastOfAnId && text_.find('/') == std::string_view::npos &&
           starts_with(id, text_);
  }

  void look_at(const PodEntry& pod) {
    const bool is_uid = squash_uid(text_).size() >= kLeastOfAnId && uid_matches(text_, pod.uid);
    const std::string full = fmt::format("{}/{}", pod.namespace_name.value_or(""), pod.pod.value_or(""));
    if (is_uid || (pod.pod && (text_ == full || text_ == *pod.pod))) add_pod(pod);
    for (const ContainerEntry& entry : pod.containers) {
      const ContainerInfo& container = entry.info;
      if (!is_beginning_of_id(container.id) && container.name != text_) continue;
      TargetSpec spec;
      spec.pod_uid = pod.uid;
      spec.containers = {container.id};
      add(std::move(spec), fmt::format("{} --container {}", pod_option(pod),
                                       container.name.value_or(container.id.substr(0, 12))));
    }
  }

  static std::string pod_option(const PodEntry& pod) {
    if (pod.pod && pod.namespace_name) return fmt::format("--pod {}/{}", *pod.namespace_name, *pod.pod);
    return fmt::format("--pod-uid {}", pod.uid);
  }

  void add_pod(const PodEntry& pod) {
    TargetSpec spec;
    spec.pod_uid = pod.uid;
    add(std::move(spec), pod_option(pod));
  }

  void add(TargetSpec spec, std::string option) { meanings_.push_back({std::move(spec), std::move(option)}); }

  std::string_view text_;
  const Hierarchy& hierarchy_;
  const Roots& roots_;
  std::vector<Meaning> meanings_;
};

tl::unexpected<Error> nothing(std::string_view text, const std::vector<PodEntry>& pods) {
  std::vector<std::string> known;
  for (const PodEntry& pod : pods) {
    if (pod.pod) known.push_back(fmt::format("{}/{}", pod.namespace_name.value_or("?"), *pod.pod));
    for (const ContainerEntry& entry : pod.containers) {
      if (entry.info.name) known.push_back(*entry.info.name);
    }
  }
  const std::size_t near = nearest(text, known);
  const bool is_alike = near != std::string::npos &&
                        edit_distance(text, known[near]) <= std::max<std::size_t>(text.size() / 2, 1);
  return not_found(
      fmt::format("nothing on this node is called {}: no pod, container, service, cgroup or process{}",
                  printable(text, 512),
                  is_alike ? fmt::format("; did you mean {}?", printable(known[near], 512)) : ""),
      "run `memspike list` to see what is there; with --wait say what it will be: "
      "--pod NAMESPACE/NAME, --pod-uid UID, --name CONTAINER, --unit UNIT or --cgroup PATH");
}

}  // namespace

Result<TargetSpec> meaning_of(std::string_view text, const Hierarchy& hierarchy, const Roots& roots,
                              Names& names) {
  Meanings meanings(text, hierarchy, roots);
  const std::vector<PodEntry> pods = list_pods(hierarchy, names);
  if (!starts_with(text, "/")) {
    meanings.look_at(pods);
    if (meanings.none() && !text.empty()) meanings.look_at_lone(list_lone_containers(hierarchy, names));
    if (!text.empty()) meanings.look_for_unit();
    meanings.look_for_process();
  }
  if (!text.empty()) meanings.look_for_cgroup();
  std::vector<Meaning>& found = meanings.found();
  if (found.size() == 1) return std::move(found.front().spec);
  if (found.empty()) return nothing(text, pods);
  std::vector<std::string> options;
  for (const Meaning& meaning : found) options.push_back(meaning.option);
  return not_found(fmt::format("{} may mean {} things on this node", printable(text, 512), found.size()),
                   fmt::format("say which: {}", bounded_list(options)));
}

Result<TargetSpec> meaning_of(std::string_view text, const Hierarchy& hierarchy, const Roots& roots) {
  Names names(roots);
  return meaning_of(text, hierarchy, roots, names);
}

}  // namespace memspike::cgroup
