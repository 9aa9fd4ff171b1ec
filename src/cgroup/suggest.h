// The end of a "not found" line: what is nearest, and what is there.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "cgroup/scan.h"

namespace memspike::cgroup {

// The candidate that is the fewest edits away from `wanted`, where a candidate
// may go on after it (people type beginnings); npos when there is none.
std::size_t nearest(std::string_view wanted, const std::vector<std::string>& candidates);

// "a, b, c and 4 more": at most `limit` items, each printable.
std::string bounded_list(const std::vector<std::string>& items, std::size_t limit = 10);

// "<uid> (<namespace>/<name>)", as far as it is known.
std::string pod_label(const PodEntry& pod);

// "<name> (<id's first 12>)", or the id alone.
std::string container_label(const ContainerInfo& container);

}  // namespace memspike::cgroup
