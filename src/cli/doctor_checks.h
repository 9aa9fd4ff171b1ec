// From facts to checks: what each means for the user, and what to change.
#pragma once

#include <vector>

#include "cgroup/hierarchy.h"
#include "cgroup/roots.h"
#include "cli/doctor_facts.h"
#include "probe/features.h"
#include "report/checkup.h"

namespace memspike::cli {

std::vector<report::Check> privilege_checks(const probe::Features& features, const HostFacts& facts);
// One for each name that --disable-feature knows, apart from "bpf".
std::vector<report::Check> feature_checks(const probe::Features& features);
std::vector<report::Check> cost_checks(const HostFacts& facts);
std::vector<report::Check> cgroup_checks(const Result<cgroup::Hierarchy>& hierarchy,
                                         const cgroup::Roots& roots);

}  // namespace memspike::cli
