// Which cgroup hierarchy accounts for memory on this node, and where it is.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cgroup/roots.h"

namespace memspike::cgroup {

// v1: memory is a v1 controller and nothing is v2. v2: unified, with memory.
// hybrid: both kinds are mounted, whichever of them has memory.
enum class Mode { v1, v2, hybrid };

std::string_view to_string(Mode mode);

// Whose files are looked for: each that is not there costs a look, too.
enum class Version { any, v1, v2 };

struct Hierarchy {
  Mode mode = Mode::v2;
  bool memory_is_v2 = true;
  std::filesystem::path memory_mount;  // all paths of memcgs are relative to it, as "/kubepods/…"
  // The part of the hierarchy that is mounted there: "/" unless a container
  // sees only a subtree. /proc/PID/cgroup counts from the hierarchy's own root.
  std::string mount_root = "/";
  // Beginnings of absolute paths that people paste, of other controllers'
  // mounts too: what follows is relative. Longest first.
  std::vector<std::string> mount_prefixes;

  Version version() const { return memory_is_v2 ? Version::v2 : Version::v1; }
};

// Finds it by roots.cgroup_root (the memory controller's mount itself, a v2
// mount, or a directory that holds a "memory" hierarchy), else by the node's
// mount table, else below host_root's /sys/fs/cgroup. ErrorKind::unsupported
// where there is none or it does not account for memory.
Result<Hierarchy> find_hierarchy(const Roots& roots);

// The directory of a memcg given by its path relative to the mount.
std::filesystem::path memcg_dir(const Hierarchy& hierarchy, std::string_view relative_path);

}  // namespace memspike::cgroup
