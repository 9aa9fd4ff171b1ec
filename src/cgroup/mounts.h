// The mount table's cgroup entries.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace memspike::cgroup {

struct CgroupMount {
  std::string root;   // which part of the hierarchy is mounted: "/" or, in a container, a path
  std::string point;  // where
  bool is_v2 = false;
  bool has_v1_memory = false;
  bool is_named = false;  // a v1 hierarchy without a controller (name=systemd)
};

// The cgroup and cgroup2 entries of a /proc/PID/mountinfo, in its order; lines
// that are not understood are skipped.
std::vector<CgroupMount> parse_mountinfo(std::string_view text);

}  // namespace memspike::cgroup
