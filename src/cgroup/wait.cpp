#include "cgroup/wait.h"

#include <algorithm>

#include "cgroup/layout.h"
#include "cgroup/text.h"

namespace memspike::cgroup {
namespace {

// "3f2a1b4c5d6e" as it stands in a dashed UID: "3f2a1b4c-5d6e".
std::string with_dashes(std::string_view squashed) {
  std::string result;
  for (std::size_t i = 0; i < squashed.size(); ++i) {
    if (i == 8 || i == 12 || i == 16 || i == 20) result += '-';
    result += squashed[i];
  }
  return result;
}

// The spellings that the node may use for a UID or its beginning. An incomplete last group
// keeps its end open: "3f2a1b4c-" and "3f2a1b4c" await the same pods.
std::vector<std::string> spellings(std::string_view asked) {
  const std::string squashed = squash_uid(asked);
  if (!is_hex(squashed, 1) || squashed.size() > 32) {
    std::string custom(asked);
    std::replace(custom.begin(), custom.end(), '_', '-');
    return {custom};
  }
  const std::string dashed = with_dashes(squashed);
  const bool asked_with_separators = asked.find_first_of("-_") != std::string_view::npos;
  if (asked_with_separators || dashed == squashed) return {dashed};
  return {squashed, dashed};
}

void add(std::vector<std::string>& patterns, std::string pattern) {
  if (patterns.size() == kMaxWaitPatterns) return;
  if (std::find(patterns.begin(), patterns.end(), pattern) == patterns.end()) {
    patterns.push_back(std::move(pattern));
  }
}

std::vector<std::string> uid_patterns(std::string_view asked) {
  std::vector<std::string> patterns;
  const auto uids = spellings(asked);
  for (const std::string& uid : uids) add(patterns, "pod" + uid);
  // Most common first: with two spellings kind's own prefix no longer fits.
  for (const char* prefix :
       {"kubepods-burstable-pod", "kubepods-besteffort-pod", "kubepods-pod", "kubelet-kubepods-burstable-pod",
        "kubelet-kubepods-besteffort-pod", "kubelet-kubepods-pod"}) {
    for (const std::string& uid : uids) {
      std::string escaped = uid;
      std::replace(escaped.begin(), escaped.end(), '-', '_');
      add(patterns, prefix + escaped);
    }
  }
  return patterns;
}

}  // namespace

Result<WaitPlan> wait_patterns(const TargetSpec& spec, const Hierarchy& hierarchy) {
  if (const auto checked = check_spec(spec); !checked) return tl::unexpected<Error>(checked.error());
  WaitPlan plan;
  if (spec.pod_uid) {
    plan.pod_uid = *spec.pod_uid;
    plan.leaf_prefixes = uid_patterns(*spec.pod_uid);
  } else if (spec.cgroup_path) {
    auto paths = relative_candidates(*spec.cgroup_path, hierarchy);
    if (!paths) return tl::unexpected<Error>(paths.error());
    plan.full_paths = std::move(*paths);
    plan.leaf_prefixes = {std::string(split(plan.full_paths.front(), '/').back())};
  }
  return plan;
}

WaitPlan await_scope(NodeScope scope) {
  WaitPlan plan;
  plan.leaf_prefixes = scope_prefixes(scope);
  plan.scope = scope;
  return plan;
}

bool is_awaited(const WaitPlan& plan, std::string_view relative_path) {
  const std::string path = normal_path(relative_path);
  if (plan.scope) return is_scope_root(*plan.scope, path);
  if (!plan.pod_uid) {
    return std::find(plan.full_paths.begin(), plan.full_paths.end(), path) != plan.full_paths.end();
  }
  const Layout layout = parse_layout(path);
  const bool is_root = layout.role == Role::pod || (layout.role == Role::container && !layout.pod_path);
  return is_root && layout.pod_uid && uid_matches(*plan.pod_uid, *layout.pod_uid);
}

}  // namespace memspike::cgroup
