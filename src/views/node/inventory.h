// The pods and containers of a node, as `memspike list` shows them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cgroup/hierarchy.h"
#include "cgroup/scan.h"
#include "views/kit/style.h"

namespace memspike::views {

// What a service that runs on the node knows of a container, by its cgroup.
struct Watched {
  std::uint64_t peak_bytes = 0;  // since it started
  std::uint64_t bursts_per_hour = 0;
  std::uint64_t kills = 0;  // of all its lives since the service started
};
using WatchedByPath = std::map<std::string, Watched>;

// A table: a row for each pod's own cgroup, then one for each of its containers,
// every row complete in itself so that grep finds it. Where the terminal is too
// narrow, UIDs become unique beginnings, columns are left out, names are cut.
// Then one for each container that is in no pod (`lone`). Empty without any. `watched`: empty where no
// service runs.
std::string render_inventory_text(const std::vector<cgroup::PodEntry>& pods, const TextStyle& style,
                                  const WatchedByPath& watched = {},
                                  const std::vector<cgroup::ContainerEntry>& lone = {});

// {"schema_version":1,"cgroup_mode",…,"pods":[…],"containers":[…]}: bytes as integers, null for
// what is absent, always valid UTF-8.
std::string render_inventory_json(cgroup::Mode mode, const std::vector<cgroup::PodEntry>& pods,
                                  const WatchedByPath& watched = {},
                                  const std::vector<cgroup::ContainerEntry>& lone = {});

}  // namespace memspike::views
