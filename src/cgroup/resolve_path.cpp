#include "cgroup/resolve_path.h"

#include <fmt/core.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <vector>

#include "cgroup/files.h"
#include "cgroup/host_files.h"
#include "cgroup/scan.h"
#include "cgroup/suggest.h"
#include "cgroup/target.h"
#include "cgroup/text.h"

namespace memspike::cgroup {
namespace {

constexpr std::size_t kMaxProcFileBytes = std::size_t{4} << 20;
constexpr std::string_view kDeleted = " (deleted)";

// A directory really below the mount: in a fixture tree a link could lead out of it.
bool is_cgroup(const Hierarchy& hierarchy, const std::string& path) {
  std::error_code error;
  const auto mount = std::filesystem::canonical(hierarchy.memory_mount, error);
  if (error) return false;
  const auto real = std::filesystem::canonical(memcg_dir(hierarchy, path), error);
  if (error || !std::filesystem::is_directory(real, error)) return false;
  return is_below(real.string(), mount.string());
}

std::vector<std::string> children(const Hierarchy& hierarchy, const std::string& path) {
  std::vector<std::string> names;
  for (const DirectoryEntry& entry : list_directory(memcg_dir(hierarchy, path))) {
    if (entry.is_directory) names.push_back(entry.name);
  }
  return names;
}

std::string deepest_existing(const Hierarchy& hierarchy, const std::string& path) {
  std::string here = path;
  while (here != "/" && !is_cgroup(hierarchy, here)) here = parent_path(here);
  return here;
}

// Names how far the path is right, and what is there instead of the next component.
tl::unexpected<Error> no_such_path(const Hierarchy& hierarchy, const std::vector<std::string>& candidates) {
  std::string path = candidates.back();
  std::string parent = "/";
  for (const std::string& candidate : candidates) {
    const std::string existing = deepest_existing(hierarchy, candidate);
    if (existing.size() <= parent.size() && &candidate != &candidates.front()) continue;
    path = candidate;
    parent = existing;
  }
  std::string message = fmt::format("no memory cgroup {} below {}", printable(path, 512),
                                    printable(hierarchy.memory_mount.string(), 512));
  if (parent != "/") message += fmt::format("; {} exists", printable(parent, 512));
  const auto names = children(hierarchy, parent);
  const std::string_view rest = std::string_view(path).substr(parent == "/" ? 0 : parent.size());
  const auto missing = split(rest, '/');
  const std::size_t near = missing.empty() ? std::string::npos : nearest(missing.front(), names);
  if (near == std::string::npos) return not_found(std::move(message));
  const std::string base = parent == "/" ? "" : parent;
  message += fmt::format("; the nearest there is {}", printable(base + "/" + names[near], 512));
  return not_found(std::move(message),
                   fmt::format("below {}: {}", printable(parent, 512), bounded_list(names)));
}

// The cgroup itself or its nearest ancestor that has the memory controller.
std::string nearest_memcg(const Hierarchy& hierarchy, std::string path) {
  while (path != "/" && !is_memcg(memcg_dir(hierarchy, path))) path = parent_path(path);
  return path;
}

// For a cgroup namespace that hides where the process is: look for it in every cgroup.
std::optional<std::string> find_by_procs(const std::string& pid, const Hierarchy& hierarchy) {
  std::optional<std::string> found;
  walk_memcgs(hierarchy, "/", [&](const std::string& path) {
    const auto procs = read_small_file(memcg_dir(hierarchy, path) / kProcs, kMaxProcFileBytes);
    if (!procs) return true;
    const auto pids = split(*procs, '\n');
    if (std::find(pids.begin(), pids.end(), pid) != pids.end()) found = path;
    return !found.has_value();
  });
  return found;
}

// From the hierarchy's root to the mount's; nullopt: not below what is mounted here.
std::optional<std::string> below_mount(const std::string& path, const Hierarchy& hierarchy) {
  const std::string whole = normal_path(path);
  if (!is_below(whole, hierarchy.mount_root)) return std::nullopt;
  const std::size_t cut = hierarchy.mount_root == "/" ? 0 : hierarchy.mount_root.size();
  std::string relative = normal_path(std::string_view(whole).substr(cut));
  if (starts_with(relative, "/../") || relative == "/..") return std::nullopt;
  return relative;
}

// `pid` is a number, or "self".
Result<ChargedTo> resolve_proc(const std::string& pid, const Hierarchy& hierarchy, const Roots& roots) {
  const auto text = read_small_file(roots.host_root / "proc" / pid / "cgroup", kMaxProcFileBytes);
  if (!text)
    return not_found(fmt::format("no process {}", pid),
                     "the process may have ended; memspike list shows pods");
  std::string path = memory_line(*text, hierarchy.memory_is_v2);
  if (path.empty()) {
    return fail(ErrorKind::unsupported, fmt::format("process {} is in no memory cgroup", pid),
                "boot with cgroup_enable=memory on the kernel command line");
  }
  if (ends_with(path, kDeleted)) {
    return not_found(
        fmt::format("the cgroup of process {} is removed already: {}", pid, printable(path, 512)));
  }
  auto relative = below_mount(path, hierarchy);
  if (!relative) relative = find_by_procs(pid, hierarchy);
  if (!relative || !is_cgroup(hierarchy, *relative)) {
    return fail(ErrorKind::unsupported,
                fmt::format("process {} is in cgroup {}, which {} does not show", pid, printable(path, 512),
                            printable(hierarchy.memory_mount.string(), 512)),
                "run in the host's cgroup namespace, or name its cgroup with --cgroup");
  }
  std::string memcg = nearest_memcg(hierarchy, *relative);
  if (memcg == "/") {
    return not_found(
        fmt::format("process {} is in the root cgroup, whose memory the kernel does not count", pid),
        "memspike run starts a command in a cgroup of its own");
  }
  return ChargedTo{std::move(memcg), std::move(*relative)};
}

}  // namespace

std::string memory_line(std::string_view proc_cgroup, bool memory_is_v2) {
  // "4:memory:/path" or "0::/path"; the path may hold more colons.
  for (const std::string_view line : split(proc_cgroup, '\n')) {
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const auto controllers = split(line.substr(first + 1, second - first - 1), ',');
    const bool is_v2 = line.substr(0, first) == "0" && controllers.empty();
    const bool has_memory = std::find(controllers.begin(), controllers.end(), "memory") != controllers.end();
    if (memory_is_v2 ? is_v2 : has_memory) return std::string(line.substr(second + 1));
  }
  return {};
}

Result<ChargedTo> resolve_path(std::string_view path, const Hierarchy& hierarchy) {
  const auto candidates = relative_candidates(path, hierarchy);
  if (!candidates) return tl::unexpected<Error>(candidates.error());
  for (const std::string& candidate : *candidates) {
    if (!is_cgroup(hierarchy, candidate)) continue;
    std::string memcg = nearest_memcg(hierarchy, candidate);
    if (memcg != "/" || is_memcg(memcg_dir(hierarchy, candidate)))
      return ChargedTo{std::move(memcg), candidate};
    return fail(
        ErrorKind::unsupported,
        fmt::format("no cgroup from {} upwards has the memory controller: its memory is charged to the "
                    "root cgroup, which the kernel does not count",
                    printable(candidate, 512)),
        fmt::format("write +memory to {} of all above it", kSubtreeControl));
  }
  return no_such_path(hierarchy, *candidates);
}

Result<ChargedTo> resolve_pid(int pid, const Hierarchy& hierarchy, const Roots& roots) {
  return resolve_proc(std::to_string(pid), hierarchy, roots);
}

Result<ChargedTo> resolve_self(const Hierarchy& hierarchy, const Roots& roots) {
  return resolve_proc("self", hierarchy, roots);
}

}  // namespace memspike::cgroup
