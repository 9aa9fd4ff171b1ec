// What the user asked for, as text.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "cgroup/hierarchy.h"

namespace memspike::cgroup {

// Nothing here, or more than one thing, is what was asked for.
inline tl::unexpected<Error> not_found(std::string message, std::string advice = {}) {
  return fail(ErrorKind::not_found, std::move(message), std::move(advice));
}

// Exactly one of the first six is set.
struct TargetSpec {
  std::optional<std::string> pod_uid;      // any spelling, or a unique beginning of 4 characters or more
  std::optional<std::string> pod;          // NAMESPACE/NAME
  std::optional<std::string> cgroup_path;  // below the mount: absolute, or relative to it
  std::optional<int> pid;
  std::optional<std::string> name;      // of a container outside of Kubernetes, or a beginning of its id
  std::optional<std::string> unit;      // of systemd; ".service" may be left out
  std::vector<std::string> containers;  // names, or beginnings of ids; empty: all
  // With --wait: a container that is not there yet is no error.
  bool containers_may_come = false;
};

// ErrorKind::usage unless exactly one target is given and well-formed.
Result<void> check_spec(const TargetSpec& spec);

// True when `wanted` is the beginning of `uid`, separators and case aside.
bool uid_matches(std::string_view wanted, std::string_view uid);

// What a path may mean, relative to the mount, likeliest first: with the
// longest mount prefix taken off, …, and as it is. ErrorKind::usage for a path that
// is empty, holds "..", a NUL or a name no cgroup can have, or names the root cgroup.
Result<std::vector<std::string>> relative_candidates(std::string_view path, const Hierarchy& hierarchy);

}  // namespace memspike::cgroup
