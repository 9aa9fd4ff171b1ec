#include "cgroup/runtime_config.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "cgroup/host_files.h"
#include "cgroup/text.h"

namespace memspike::cgroup {
namespace {

using Json = nlohmann::json;

// Real ones have 5 to 50 KB; the parser needs up to 16 times the text.
constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;
constexpr int kMaxNesting = 64;

struct Place {
  std::string_view before;
  std::string_view after;
};

// /var/run is a link to /run on every current distribution; both spellings are
// tried for trees that have only one of them.
constexpr std::array<Place, 11> kPlaces{
    Place{"/run/containerd/io.containerd.runtime.v2.task/k8s.io/", "/config.json"},
    Place{"/run/k3s/containerd/io.containerd.runtime.v2.task/k8s.io/", "/config.json"},
    Place{"/run/k0s/containerd/io.containerd.runtime.v2.task/k8s.io/", "/config.json"},
    Place{"/var/snap/microk8s/common/run/containerd/io.containerd.runtime.v2.task/k8s.io/", "/config.json"},
    Place{"/run/containerd/io.containerd.runtime.v1.linux/k8s.io/", "/config.json"},
    Place{"/run/containers/storage/overlay-containers/", "/userdata/config.json"},
    Place{"/var/run/containers/storage/overlay-containers/", "/userdata/config.json"},
    Place{"/var/lib/containers/storage/overlay-containers/", "/userdata/config.json"},
    Place{"/var/run/containerd/io.containerd.runtime.v2.task/k8s.io/", "/config.json"},
    Place{"/var/lib/docker/containers/", "/config.v2.json"},
    Place{"/run/docker/containerd/daemon/io.containerd.runtime.v2.task/moby/", "/config.json"},
};

// The keys by which each runtime tells the same fact.
constexpr std::array<const char*, 2> kNamespaceKeys{"io.kubernetes.cri.sandbox-namespace",
                                                    "io.kubernetes.pod.namespace"};
constexpr std::array<const char*, 2> kPodKeys{"io.kubernetes.cri.sandbox-name", "io.kubernetes.pod.name"};
constexpr std::array<const char*, 2> kUidKeys{"io.kubernetes.cri.sandbox-uid", "io.kubernetes.pod.uid"};
constexpr std::array<const char*, 2> kContainerKeys{"io.kubernetes.cri.container-name",
                                                    "io.kubernetes.container.name"};
constexpr std::array<const char*, 3> kTypeKeys{
    "io.kubernetes.cri.container-type", "io.kubernetes.cri-o.ContainerType", "io.kubernetes.docker.type"};

template <class Keys>
std::optional<std::string> find_text(const Json& object, const Keys& keys) {
  for (const char* key : keys) {
    const auto found = object.find(key);
    if (found != object.end() && found->is_string()) return found->template get<std::string>();
  }
  return std::nullopt;
}

template <class Keys>
std::optional<std::string> find_name(const Json& object, const Keys& keys) {
  auto text = find_text(object, keys);
  return text && is_kubernetes_name(*text) ? text : std::nullopt;
}

const Json* member(const Json* object, const char* key) {
  if (object == nullptr || !object->is_object()) return nullptr;
  const auto found = object->find(key);
  return found == object->end() ? nullptr : &*found;
}

std::optional<ContainerNames> names_from(const Json& annotations) {
  ContainerNames names;
  names.namespace_name = find_name(annotations, kNamespaceKeys);
  names.pod = find_name(annotations, kPodKeys);
  names.pod_uid = find_name(annotations, kUidKeys);
  names.container = find_name(annotations, kContainerKeys);
  if (const auto type = find_text(annotations, kTypeKeys)) {
    names.is_sandbox = *type == "sandbox" || *type == "podsandbox";
  }
  // The runtimes call the sandbox "POD", which is nobody's name for it.
  if (names.is_sandbox.value_or(false)) names.container.reset();
  if (!names.pod && !names.container && !names.is_sandbox) return std::nullopt;
  return names;
}

std::optional<Json> parse_bounded(std::string_view text) {
  if (text.size() > kMaxConfigBytes) return std::nullopt;
  bool too_deep = false;
  const auto filter = [&too_deep](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > kMaxNesting;
    return !too_deep;
  };
  Json root = Json::parse(text.begin(), text.end(), filter, false);
  if (too_deep || root.is_discarded()) return std::nullopt;
  return root;
}

// As Docker and Podman let containers be called: compose has underscores in them.
std::optional<ContainerNames> called(std::string_view name) {
  const auto allowed = [](char c) { return c == '_' || is_kubernetes_name({&c, 1}); };
  if (name.empty() || name.size() > 253 || !std::all_of(name.begin(), name.end(), allowed))
    return std::nullopt;
  ContainerNames names;
  names.container = std::string(name);
  names.is_sandbox = false;
  return names;
}

// A container of Docker's that no kubelet made: "Name": "/web".
std::optional<ContainerNames> plain_docker(const Json& root) {
  const Json* name = member(&root, "Name");
  if (member(&root, "Config") == nullptr || name == nullptr || !name->is_string()) return std::nullopt;
  const std::string text = name->get<std::string>();
  return starts_with(text, "/") ? called(std::string_view(text).substr(1)) : std::nullopt;
}

bool is_libpod(std::string_view config) {
  const auto root = parse_bounded(config);
  const Json* manager = root ? member(member(&*root, "annotations"), "io.container.manager") : nullptr;
  return manager != nullptr && manager->is_string() && manager->get<std::string>() == "libpod";
}

// Podman tells names in one file for all containers: [{"id": …, "names": ["web"]}].
std::optional<ContainerNames> name_in_storage(const std::filesystem::path& file, std::string_view id) {
  const auto text = read_small_file(file, kMaxConfigBytes);
  const auto root = text ? parse_bounded(*text) : std::nullopt;
  if (!root || !root->is_array()) return std::nullopt;
  for (const Json& entry : *root) {
    const Json* its_id = member(&entry, "id");
    const Json* names = member(&entry, "names");
    if (its_id == nullptr || !its_id->is_string() || its_id->get<std::string>() != id) continue;
    if (names != nullptr && names->is_array() && !names->empty() && names->front().is_string())
      return called(names->front().get<std::string>());
  }
  return std::nullopt;
}

// Of one that is removed with its end (--rm) newer versions tell in a file of its own, which no reboot
// outlives.
std::optional<ContainerNames> read_libpod_name(const std::filesystem::path& host_root,
                                               const std::filesystem::path& config, std::string_view id) {
  const auto storage = config.parent_path().parent_path().parent_path();
  if (auto names = name_in_storage(storage / "containers.json", id)) return names;
  const auto passing =
      resolve_in_root(host_root, "/run/containers/storage/overlay-containers/volatile-containers.json");
  return passing ? name_in_storage(*passing, id) : std::nullopt;
}

}  // namespace

bool is_kubernetes_name(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  };
  return !name.empty() && name.size() <= 253 && std::all_of(name.begin(), name.end(), allowed);
}

std::optional<ContainerNames> parse_runtime_config(std::string_view json) {
  const auto root = parse_bounded(json);
  if (!root) return std::nullopt;
  const Json* annotations = member(&*root, "annotations");
  if (annotations == nullptr) annotations = member(member(&*root, "Config"), "Labels");
  if (annotations != nullptr && annotations->is_object()) {
    if (auto names = names_from(*annotations)) return names;
  }
  return plain_docker(*root);
}

std::optional<ContainerNames> read_runtime_config(const std::filesystem::path& host_root,
                                                  std::string_view container_id) {
  // The id becomes part of a path, and a cgroup may have any name.
  if (!is_kubernetes_name(container_id) || container_id.front() == '.') return std::nullopt;
  for (const Place& place : kPlaces) {
    const auto path =
        resolve_in_root(host_root, fmt::format("{}{}{}", place.before, container_id, place.after));
    const auto json = path ? read_small_file(*path, kMaxConfigBytes) : std::nullopt;
    if (!json) continue;
    if (auto names = parse_runtime_config(*json)) return names;
    if (!is_libpod(*json)) continue;
    if (auto names = read_libpod_name(host_root, *path, container_id)) return names;
  }
  return std::nullopt;
}

}  // namespace memspike::cgroup
