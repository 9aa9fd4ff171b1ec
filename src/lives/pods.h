// Which pods a report is about, and what they are called.
#pragma once

#include <optional>
#include <string_view>

#include "facts/identity.h"
#include "report/report.h"

namespace memspike::lives {

// What a path tells of the pod that it lies in: its UID and class, never its name.
std::optional<facts::PodId> pod_of_path(std::string_view path);

// What one memcg of a pod, or the target, knows of it is known of all of them. Lists the cgroups of pods that
// memcgs and kills name, in the report or above it.
void name_pods(report::Report& report);

}  // namespace memspike::lives
