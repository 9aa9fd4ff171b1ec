// What the container runtimes write about a container, keyed by its id.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace memspike::cgroup {

// Names as Kubernetes knows them. Only names that Kubernetes would accept
// (letters, digits, "-", ".") get in, whatever the source holds.
struct ContainerNames {
  std::optional<std::string> namespace_name;
  std::optional<std::string> pod;
  std::optional<std::string> pod_uid;
  std::optional<std::string> container;
  std::optional<bool> is_sandbox;  // unset: the source does not tell
};

// From the text of an OCI config.json (containerd, CRI-O: "annotations") or of
// docker's config.v2.json ("Config"."Labels"). nullopt: not JSON, or no
// Kubernetes names in it.
std::optional<ContainerNames> parse_runtime_config(std::string_view json);

// Looks for the container's configuration in the places of containerd (also as
// k3s, k0s and microk8s have it), CRI-O and docker below `host_root`.
std::optional<ContainerNames> read_runtime_config(const std::filesystem::path& host_root,
                                                  std::string_view container_id);

// True for a non-empty name of at most 253 letters, digits, dashes and dots.
bool is_kubernetes_name(std::string_view name);

}  // namespace memspike::cgroup
