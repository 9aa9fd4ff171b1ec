// Where the node's file systems are found. Everything in this room works below
// these two, so that a container that sees the host under /host, or a fixture
// tree, can stand in for the node.
#pragma once

#include <filesystem>
#include <optional>

namespace memspike::cgroup {

struct Roots {
  std::filesystem::path host_root = "/";             // /proc, /run, /var lie below it
  std::optional<std::filesystem::path> cgroup_root;  // unset: found in host_root's mount table
};

}  // namespace memspike::cgroup
