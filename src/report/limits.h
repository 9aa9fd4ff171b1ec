// Which limits to advise: for each container by what its lives showed, and for its pod as a whole.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "advice/advice.h"
#include "report/report.h"

namespace memspike::report {

using Lives = std::vector<const Memcg*>;  // by birth; one for what is not a container

// Of the values; nothing of none.
std::optional<std::uint64_t> median(std::vector<std::uint64_t> values);

// The directory that a restarted container's memcgs have in common.
std::string parent_of(const std::string& path);

struct LimitAdvice {
  advice::Advice advice;
  advice::Known known;                     // that it rests on, beside the spikes
  std::vector<process::Runtime> runtimes;  // of all its lives
  // A pod's limit is made of its containers': what it becomes when the advice for all of them is taken.
  // Unset: there is no pod, its limit is not that sum, or it has none.
  std::optional<std::uint64_t> pod_limit_bytes;
};

// For each, in this order. Where the limits that fit the containers are too low for the pod, which also
// holds what is charged to nobody in it (tmpfs, the sandbox) and what peaks together, that of the container
// that the pod's limit killed, or that peaked highest, is raised.
std::vector<std::optional<LimitAdvice>> advise_limits(const std::vector<Lives>& groups);

}  // namespace memspike::report
