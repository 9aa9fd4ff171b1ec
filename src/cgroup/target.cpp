#include "cgroup/target.h"

#include <fmt/core.h>

#include <algorithm>

#include "cgroup/layout.h"
#include "cgroup/text.h"

namespace memspike::cgroup {
namespace {

constexpr std::size_t kMinUidLength = 4;
constexpr std::size_t kMaxUidLength = 128;
constexpr std::size_t kMaxNameLength = 255;   // NAME_MAX
constexpr std::size_t kMaxPathLength = 4096;  // PATH_MAX

tl::unexpected<Error> usage(std::string message, std::string advice = {}) {
  return fail(ErrorKind::usage, std::move(message), std::move(advice));
}

Result<void> check_uid(const std::string& uid) {
  const std::string squashed = squash_uid(uid);
  if (squashed.size() < kMinUidLength) {
    return usage(fmt::format("\"{}\" is too short for a pod UID", printable(uid)),
                 "give at least 4 of its characters; memspike list shows all UIDs");
  }
  const bool odd =
      std::any_of(uid.begin(), uid.end(), [](char c) { return c <= ' ' || c > '~' || c == '/'; });
  if (odd || uid.size() > kMaxUidLength) {
    return usage(fmt::format("\"{}\" is not a pod UID", printable(uid)), "memspike list shows all UIDs");
  }
  return {};
}

Result<void> check_pod(const std::string& pod) {
  const std::size_t slash = pod.find('/');
  const bool one_slash = slash != std::string::npos && pod.find('/', slash + 1) == std::string::npos;
  if (one_slash && slash > 0 && slash + 1 < pod.size()) return {};
  return usage(fmt::format("\"{}\" is not NAMESPACE/NAME", printable(pod)), "write it like default/web-0");
}

Result<void> check_name(const std::string& name, std::string_view what) {
  const bool odd =
      std::any_of(name.begin(), name.end(), [](char c) { return c <= ' ' || c > '~' || c == '/'; });
  if (!name.empty() && !odd && name.size() <= kMaxNameLength) return {};
  return usage(fmt::format("\"{}\" is not {}", printable(name), what));
}

}  // namespace

Result<void> check_spec(const TargetSpec& spec) {
  const int given = int{spec.pod_uid.has_value()} + int{spec.pod.has_value()} +
                    int{spec.cgroup_path.has_value()} + int{spec.pid.has_value()} +
                    int{spec.name.has_value()} + int{spec.unit.has_value()};
  if (given != 1) {
    return usage(
        given == 0 ? "no target given" : "more than one target given",
        "give one of --pod-uid UID, --pod NAMESPACE/NAME, --name CONTAINER, --unit UNIT, --cgroup PATH, "
        "--pid PID");
  }
  if (spec.pod_uid) return check_uid(*spec.pod_uid);
  if (spec.pod) return check_pod(*spec.pod);
  if (spec.name) return check_name(*spec.name, "a container's name");
  if (spec.unit) return check_name(*spec.unit, "a unit");
  if (spec.pid && *spec.pid <= 0) return usage(fmt::format("{} is not a process id", *spec.pid));
  return {};
}

bool uid_matches(std::string_view wanted, std::string_view uid) {
  return starts_with(squash_uid(uid), squash_uid(wanted));
}

Result<std::vector<std::string>> relative_candidates(std::string_view path, const Hierarchy& hierarchy) {
  const auto refuse = [&](std::string_view why) {
    return usage(fmt::format("\"{}\" is not a cgroup path: {}", printable(path), why),
                 "write it like /kubepods/burstable/pod<uid>, relative to the memory hierarchy's mount");
  };
  if (path.empty()) return refuse("it is empty");
  if (path.size() > kMaxPathLength) return refuse("it is too long");
  if (path.find('\0') != std::string_view::npos) return refuse("it holds a NUL byte");
  for (const std::string_view name : split(path, '/')) {
    if (name == "..") return refuse("it holds \"..\"");
    if (name.size() > kMaxNameLength) return refuse("a name in it is too long");
  }
  const std::string whole = normal_path(path);
  std::vector<std::string> candidates;
  bool names_a_mount = whole == "/";
  for (const std::string& prefix : hierarchy.mount_prefixes) {
    if (path.front() != '/' || !is_below(whole, prefix)) continue;
    names_a_mount = names_a_mount || whole == prefix;
    if (whole != prefix) candidates.push_back(normal_path(std::string_view(whole).substr(prefix.size())));
  }
  // A cgroup called "memory" at the root of v2 looks like v1's mount, and is still one.
  const bool is_root = whole == normal_path(hierarchy.memory_mount.string()) || candidates.empty();
  if (names_a_mount && is_root) return refuse("the kernel does not count the root cgroup's memory");
  candidates.push_back(whole);
  return candidates;
}

}  // namespace memspike::cgroup
