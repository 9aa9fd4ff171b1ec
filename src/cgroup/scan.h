// Walks the memory hierarchy and says which pods and containers are there.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cgroup/files.h"
#include "cgroup/hierarchy.h"
#include "cgroup/layout.h"
#include "cgroup/names.h"
#include "cgroup/roots.h"

namespace memspike::cgroup {

struct ContainerInfo {
  std::string id;
  std::optional<std::string> name;
  Role role = Role::container;  // container or sandbox
};

struct ContainerEntry {
  ContainerInfo info;
  std::optional<std::uint64_t> limit_bytes;  // nullopt: none
  std::optional<std::uint64_t> usage_bytes;
  std::optional<KernelPeak> kernel_peak;
  std::string path;  // relative to the mount
};

struct PodEntry {
  std::optional<std::string> namespace_name;
  std::optional<std::string> pod;
  std::string uid;
  std::optional<std::string> qos;
  std::vector<ContainerEntry> containers;  // by path
  // Of the pod's own cgroup; all unset in the one-component layout.
  std::optional<std::string> path;
  std::optional<std::uint64_t> limit_bytes;
  std::optional<std::uint64_t> usage_bytes;
  std::optional<KernelPeak> kernel_peak;
  // What to track to see all of the pod: its cgroup, else each container's.
  std::vector<std::string> root_paths;
};

// Calls `visit` with the path of every cgroup at and below `start` that exists
// in the memory hierarchy, parents first; stops early when it returns false.
// Bounded in depth and number, so that a runaway tree costs time, not memory.
void walk_memcgs(const Hierarchy& hierarchy, std::string_view start,
                 const std::function<bool(const std::string&)>& visit);

// The pods on this node, sorted by namespace, name and UID.
std::vector<PodEntry> list_pods(const Hierarchy& hierarchy, Names& names);
std::vector<PodEntry> list_pods(const Hierarchy& hierarchy, const Roots& roots);

// The containers at and below one cgroup, whichever pods they belong to.
std::vector<ContainerEntry> list_containers(const Hierarchy& hierarchy, Names& names, std::string_view path);

// Those of Docker, Podman and their like, which are in no pod, by path.
std::vector<ContainerEntry> list_lone_containers(const Hierarchy& hierarchy, Names& names);

// The memcgs of systemd's services, by path. What a container calls so is none.
std::vector<std::string> list_services(const Hierarchy& hierarchy);

// Which pod something belongs to.
struct PodInfo {
  std::string uid;
  std::optional<std::string> namespace_name;  // set together with the pod's name
  std::optional<std::string> pod;
  std::optional<std::string> qos;
};

struct MemcgDescription {
  Role role = Role::cgroup;
  std::optional<PodInfo> pod;              // that it is, or lies inside of
  std::optional<ContainerInfo> container;  // that it is, or lies inside of
  Layout layout;
};

// What is known about one memcg of the live tree. Cheap enough for every memcg
// that is born under trace; a name not known yet may be known a moment later.
MemcgDescription describe_memcg(std::string_view path, const Hierarchy& hierarchy, Names& names);

// True when the filter is empty, or one of its entries is the container's name
// or the beginning of its id (4 characters or more).
bool container_matches(const std::vector<std::string>& filter, const ContainerInfo& container);

}  // namespace memspike::cgroup
