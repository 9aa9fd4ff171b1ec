// The pods and containers of a node, as `memspike list` shows them.
#pragma once

#include <string>
#include <vector>

#include "cgroup/hierarchy.h"
#include "cgroup/scan.h"
#include "report/style.h"

namespace memspike::report {

// A table: a row for each pod's own cgroup, then one for each of its containers,
// every row complete in itself so that grep finds it. Where the terminal is too
// narrow, UIDs become unique beginnings, columns are left out, names are cut.
// Empty without pods.
std::string render_inventory_text(const std::vector<cgroup::PodEntry>& pods, const TextStyle& style);

// {"schema_version":1,"cgroup_mode",…,"pods":[…]}: bytes as integers, null for
// what is absent, always valid UTF-8.
std::string render_inventory_json(cgroup::Mode mode, const std::vector<cgroup::PodEntry>& pods);

}  // namespace memspike::report
