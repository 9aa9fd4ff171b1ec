#include "cgroup/layout.h"

#include <algorithm>
#include <array>
#include <vector>

#include "cgroup/lone_names.h"
#include "cgroup/text.h"

namespace memspike::cgroup {
namespace {

constexpr std::string_view kScope = ".scope";
constexpr std::string_view kSlice = ".slice";
constexpr std::size_t kFullIdLength = 64;
constexpr std::size_t kMinIdLength = 12;  // what runtimes show as the short id

// The longer of two that share a beginning comes first.
constexpr std::array<std::string_view, 6> kRuntimes{"cri-containerd", "crio-conmon",   "crio",
                                                    "docker",         "libpod-conmon", "libpod"};

struct PodName {
  std::string uid;
  std::optional<std::string> qos;
};

struct ContainerName {
  std::string id;
  std::string runtime;
  bool is_conmon = false;
};

std::string_view without_suffix(std::string_view text, std::string_view suffix) {
  return ends_with(text, suffix) ? text.substr(0, text.size() - suffix.size()) : text;
}

std::string normal_uid(std::string_view uid) {
  std::string result(uid);
  std::replace(result.begin(), result.end(), '_', '-');
  return result;
}

// "kubepods-burstable-pod<uid_>", also below another slice ("kubelet-kubepods-…",
// as kind has it). A dash separates slices, which is why the UID has none.
std::optional<PodName> parse_slice(std::string_view stem) {
  constexpr std::string_view kKubepods = "kubepods-";
  const std::size_t at = stem.find(kKubepods);
  if (at == std::string_view::npos || (at > 0 && stem[at - 1] != '-')) return std::nullopt;
  std::string_view rest = stem.substr(at + kKubepods.size());
  std::string_view qos = "guaranteed";
  for (const std::string_view level : {"burstable", "besteffort"}) {
    if (starts_with(rest, level) && rest.substr(level.size(), 1) == "-") {
      qos = level;
      rest.remove_prefix(level.size() + 1);
      break;
    }
  }
  if (!starts_with(rest, "pod") || rest.size() == 3) return std::nullopt;
  return PodName{normal_uid(rest.substr(3)), std::string(qos)};
}

std::optional<PodName> parse_pod(std::string_view name, std::string_view parent) {
  if (ends_with(name, kSlice)) return parse_slice(without_suffix(name, kSlice));
  if (!starts_with(name, "pod") || name.size() == 3) return std::nullopt;
  PodName pod{normal_uid(name.substr(3)), std::nullopt};
  if (parent == "kubepods") pod.qos = "guaranteed";
  if (parent == "burstable" || parent == "besteffort") pod.qos = std::string(parent);
  // A static pod's manifest may set any UID; elsewhere only the syntax tells a
  // pod from a cgroup that somebody called "podium".
  if (!pod.qos && !has_uid_syntax(pod.uid)) return std::nullopt;
  return pod;
}

// "<slice>:<runtime>:<id>": what a runtime with the cgroupfs driver makes of a
// path meant for systemd.
struct OneComponent {
  std::optional<PodName> pod;
  ContainerName container;
};

std::optional<OneComponent> parse_one_component(std::string_view name) {
  const auto parts = split(name, ':');
  if (parts.size() != 3 || !ends_with(parts[0], kSlice)) return std::nullopt;
  OneComponent result{parse_slice(without_suffix(parts[0], kSlice)),
                      {std::string(parts[2]), std::string(parts[1]), false}};
  if (!result.pod && !is_hex(parts[2], kMinIdLength)) return std::nullopt;
  return result;
}

std::optional<ContainerName> parse_runtime(std::string_view stem) {
  for (const std::string_view runtime : kRuntimes) {
    if (stem.size() > runtime.size() + 1 && starts_with(stem, runtime) && stem[runtime.size()] == '-') {
      return ContainerName{std::string(stem.substr(runtime.size() + 1)), std::string(runtime),
                           ends_with(runtime, "-conmon")};
    }
  }
  return std::nullopt;
}

// A direct child of a pod's cgroup: always a container, or its monitor.
ContainerName parse_pod_child(std::string_view name) {
  const std::string_view stem = without_suffix(name, kScope);
  if (auto known = parse_runtime(stem)) return *known;
  const std::size_t dash = stem.rfind('-');
  if (dash != std::string_view::npos && is_hex(stem.substr(dash + 1), kFullIdLength)) {
    return {std::string(stem.substr(dash + 1)), std::string(stem.substr(0, dash)), false};
  }
  return {std::string(stem), "", false};
}

// A container outside Kubernetes: /docker/<id>, …/docker-<id>.scope.
std::optional<ContainerName> parse_lone_container(std::string_view name) {
  if (is_hex(name, kFullIdLength) && name.size() == kFullIdLength)
    return ContainerName{std::string(name), "", false};
  auto known = parse_runtime(without_suffix(name, kScope));
  if (known && is_hex(known->id, kMinIdLength)) return known;
  return std::nullopt;
}

// Walks the components from the root and keeps what the innermost pod says.
class Walker {
 public:
  void step(std::string_view name) {
    path_.append("/").append(name);
    layout_.role = Role::cgroup;
    if (const auto one = parse_one_component(name)) {
      enter_pod(one->pod);
      enter_container(one->container);
    } else if (const auto pod = parse_pod(name, previous_)) {
      enter_pod(pod);
      layout_.pod_path = path_;
      layout_.role = Role::pod;
    } else if (layout_.pod_path && !is_closed()) {
      enter_container(parse_pod_child(name));
    } else if (const auto lone = is_closed() ? std::nullopt : parse_lone(name)) {
      enter_container(*lone);
    } else if (layout_.container_id) {
      layout_.is_nested = true;
    }
    is_in_nomad_ = is_in_nomad_ || name == "nomad" || name == "nomad.slice";
    previous_ = name;
  }

  Layout take() { return std::move(layout_); }

 private:
  // What lies in a container is a part of it, but that of LXC may be a machine with containers of its own.
  bool is_closed() const { return layout_.container_id && layout_.runtime != "lxc"; }
  // An LXC container is a machine: Docker's containers in there are told apart, as a nested cluster's pods
  // are.
  std::optional<ContainerName> parse_lone(std::string_view name) const {
    if (auto lone = parse_lone_container(name)) return lone;
    if (layout_.container_id) return std::nullopt;
    if (is_in_nomad_) {
      if (const auto task = parse_task(name)) return ContainerName{task->id, "nomad", false};
    }
    const auto lxc = parse_lxc(name, previous_);
    return lxc ? std::optional(ContainerName{lxc->name, "lxc", lxc->is_monitor}) : std::nullopt;
  }

  void enter_pod(const std::optional<PodName>& pod) {
    layout_ = Layout{};
    if (!pod) return;
    layout_.pod_uid = pod->uid;
    layout_.qos = pod->qos;
  }

  void enter_container(const ContainerName& container) {
    layout_.container_id = container.id;
    layout_.is_nested = false;
    layout_.runtime = container.runtime;
    layout_.is_conmon = container.is_conmon;
    layout_.container_path = path_;
    layout_.role = container.is_conmon ? Role::cgroup : Role::container;
  }

  Layout layout_;
  std::string path_;
  std::string_view previous_;
  bool is_in_nomad_ = false;
};

}  // namespace

Layout parse_layout(std::string_view relative_path) {
  Walker walker;
  for (const std::string_view name : split(relative_path, '/')) walker.step(name);
  return walker.take();
}

std::string squash_uid(std::string_view uid) {
  std::string result;
  for (const char c : uid) {
    if (c != '-' && c != '_') result += (c >= 'A' && c <= 'Z') ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return result;
}

bool has_uid_syntax(std::string_view uid) {
  if (uid.size() == 32) return is_hex(uid, 32);
  if (uid.size() != 36) return false;
  for (const std::size_t dash : {8u, 13u, 18u, 23u}) {
    if (uid[dash] != '-') return false;
  }
  const std::string squashed = squash_uid(uid);
  return squashed.size() == 32 && is_hex(squashed, 32);
}

}  // namespace memspike::cgroup
