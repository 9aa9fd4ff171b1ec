#include "cgroup/names.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <climits>

#include "cgroup/host_files.h"
#include "cgroup/layout.h"
#include "cgroup/text.h"

namespace memspike::cgroup {
namespace {

constexpr std::string_view kPodLogs = "/var/log/pods";
constexpr std::string_view kContainerLogs = "/var/log/containers";
// The kernel's records are put in order before they are asked about: a link may be gone for as long, and for
// many looks.
constexpr std::chrono::seconds kStay{10};

// "<namespace>_<pod>_<uid>"; only the UID could hold another underscore.
std::optional<PodNames> parse_pod_log_name(std::string_view name) {
  const std::size_t first = name.find('_');
  if (first == std::string_view::npos) return std::nullopt;
  const std::size_t second = name.find('_', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  PodNames pod{std::string(name.substr(0, first)), std::string(name.substr(first + 1, second - first - 1)),
               std::string(name.substr(second + 1))};
  const bool plausible =
      is_kubernetes_name(pod.namespace_name) && is_kubernetes_name(pod.pod) && is_kubernetes_name(pod.uid);
  return plausible ? std::optional(pod) : std::nullopt;
}

struct Link {
  std::string id;
  ContainerNames names;
};

// "<pod>_<namespace>_<container>-<id>.log"
std::optional<Link> parse_container_link(std::string_view name) {
  if (!ends_with(name, ".log")) return std::nullopt;
  name.remove_suffix(4);
  const auto parts = split(name, '_');
  if (parts.size() != 3) return std::nullopt;
  const std::size_t dash = parts[2].rfind('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const std::string_view container = parts[2].substr(0, dash);
  const std::string_view id = parts[2].substr(dash + 1);
  if (!is_kubernetes_name(parts[0]) || !is_kubernetes_name(parts[1]) || !is_kubernetes_name(container) ||
      id.empty()) {
    return std::nullopt;
  }
  Link link{std::string(id), {}};
  link.names.pod = std::string(parts[0]);
  link.names.namespace_name = std::string(parts[1]);
  link.names.container = std::string(container);
  return link;
}

// The link's target names the pod's log directory, and so its UID.
std::optional<std::string> uid_of_link(const std::filesystem::path& link) {
  std::array<char, PATH_MAX> buffer{};
  const ssize_t length = readlink(link.c_str(), buffer.data(), buffer.size());
  if (length <= 0) return std::nullopt;
  for (const std::string_view part : split({buffer.data(), static_cast<std::size_t>(length)}, '/')) {
    if (const auto pod = parse_pod_log_name(part)) return pod->uid;
  }
  return std::nullopt;
}

template <class T>
void prefer(std::optional<T>& known, const std::optional<T>& other) {
  if (!known) known = other;
}

}  // namespace

Names::Names(const Roots& roots) : host_root_(roots.host_root) { reload(); }

void Names::follow() {
  pod_logs_.follow(kStay);
  container_links_.follow(kStay);
}

void Names::reload() {
  read_pod_logs();
  read_container_links();
}

void Names::keep_up() {
  constexpr std::chrono::milliseconds kLeast{50};
  const auto now = std::chrono::steady_clock::now();
  const bool is_cheap = pod_logs_.is_followed() && container_links_.is_followed();
  if (!is_cheap && now < kept_up_ + kLeast) return;
  kept_up_ = now;
  reload();
}

void Names::read_pod_logs() {
  pods_directory_ = resolve_in_root(host_root_, kPodLogs).value_or("");
  if (!pod_logs_.look(pods_directory_)) return;
  for (const DirectoryEntry& entry : pod_logs_.gone()) {
    const auto pod = parse_pod_log_name(entry.name);
    const auto known = pod ? pods_.find(squash_uid(pod->uid)) : pods_.end();
    if (known != pods_.end() && known->second.directory == entry.name) pods_.erase(known);
  }
  for (const DirectoryEntry& entry : pod_logs_.added()) {
    auto pod = entry.is_directory ? parse_pod_log_name(entry.name) : std::nullopt;
    if (!pod) continue;
    std::string key = squash_uid(pod->uid);
    pods_.insert_or_assign(std::move(key), PodLogs{std::move(*pod), entry.name, {}});
  }
}

void Names::read_container_links() {
  const std::filesystem::path directory = resolve_in_root(host_root_, kContainerLogs).value_or("");
  if (!container_links_.look(directory)) return;
  for (const DirectoryEntry& entry : container_links_.gone()) {
    if (const auto link = parse_container_link(entry.name)) links_.erase(link->id);
  }
  for (const DirectoryEntry& entry : container_links_.added()) {
    auto link = parse_container_link(entry.name);
    if (!link) continue;
    if (entry.is_symlink) link->names.pod_uid = uid_of_link(directory / entry.name);
    links_.insert_or_assign(std::move(link->id), std::move(link->names));
  }
}

ContainerNames Names::container(std::string_view id) {
  auto config = configs_.find(id);
  if (config == configs_.end()) {
    // Only what was found is kept: a runtime may write its file a moment later.
    if (auto read = read_runtime_config(host_root_, id)) {
      config = configs_.emplace(std::string(id), std::move(*read)).first;
    }
  }
  ContainerNames names = config == configs_.end() ? ContainerNames{} : config->second;
  const auto link = links_.find(id);
  if (link == links_.end()) return names;
  prefer(names.namespace_name, link->second.namespace_name);
  prefer(names.pod, link->second.pod);
  prefer(names.pod_uid, link->second.pod_uid);
  prefer(names.container, link->second.container);
  // The pause container has no log.
  if (!names.is_sandbox) names.is_sandbox = false;
  return names;
}

const PodNames* Names::pod(std::string_view uid) const {
  const auto found = pods_.find(squash_uid(uid));
  return found == pods_.end() ? nullptr : &found->second.names;
}

// Those of one pod are looked at when it is asked for, not with all others.
std::vector<std::string> Names::unassigned_containers(std::string_view uid) {
  constexpr std::size_t kMostContainers = 1024;
  const auto found = pods_.find(squash_uid(uid));
  if (found == pods_.end()) return {};
  PodLogs& logs = found->second;
  const PodNames* known = &logs.names;
  logs.containers.look(pods_directory_ / logs.directory, kMostContainers);
  std::vector<std::string> result;
  for (const DirectoryEntry& container : logs.containers.entries()) {
    if (container.is_directory && is_kubernetes_name(container.name)) result.push_back(container.name);
  }
  const auto drop = [&](const ContainerNames& names) {
    const bool same_pod = names.pod_uid
                              ? squash_uid(*names.pod_uid) == squash_uid(uid)
                              : names.pod == known->pod && names.namespace_name == known->namespace_name;
    if (!same_pod || !names.container) return;
    result.erase(std::remove(result.begin(), result.end(), *names.container), result.end());
  };
  for (const auto& [id, names] : links_) drop(names);
  for (const auto& [id, names] : configs_) drop(names);
  return result;
}

std::vector<PodNames> Names::pods() const {
  std::vector<PodNames> result;
  for (const auto& [key, pod] : pods_) result.push_back(pod.names);
  return result;
}

}  // namespace memspike::cgroup
