// From facts to checks: what each means for the user, and what to change.
#pragma once

#include <string>
#include <vector>

#include "cgroup/hierarchy.h"
#include "cgroup/roots.h"
#include "cli/doctor_facts.h"
#include "probe/features.h"
#include "views/node/checkup.h"

namespace memspike::cli {

std::vector<views::Check> privilege_checks(const probe::Features& features, const HostFacts& facts);
// The capabilities that memspike can do without, one check each.
std::vector<views::Check> capability_checks(const HostFacts& facts);
// Of those that it cannot do without.
std::vector<std::string> missing_for_bpf(const HostFacts& facts);
// What of the node can be read: the kernel's log, its /proc.
std::vector<views::Check> node_checks(const cgroup::Roots& roots);
// One for each name that --disable-feature knows, apart from "bpf".
std::vector<views::Check> feature_checks(const probe::Features& features);
std::vector<views::Check> cost_checks(const HostFacts& facts);
std::vector<views::Check> cgroup_checks(const Result<cgroup::Hierarchy>& hierarchy,
                                        const cgroup::Roots& roots);

}  // namespace memspike::cli
