#include "cgroup/hierarchy.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <system_error>

#include "cgroup/files.h"
#include "cgroup/host_files.h"
#include "cgroup/mounts.h"
#include "cgroup/text.h"

namespace memspike::cgroup {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxMountinfoBytes = std::size_t{16} << 20;
constexpr const char* kBootAdvice =
    "boot with cgroup_enable=memory (and without cgroup_disable=memory) on the kernel command line";

bool is_v1_memory(const fs::path& dir) {
  return path_exists(dir / kLimitInBytes) || path_exists(dir / kUsageInBytes);
}

bool is_v2(const fs::path& dir) { return path_exists(dir / kControllers); }

bool v2_has_memory(const fs::path& dir) {
  const auto text = read_small_file(dir / kControllers, 4096);
  if (!text) return false;
  for (const std::string_view line : split(*text, '\n')) {
    const auto names = split(line, ' ');
    if (std::find(names.begin(), names.end(), "memory") != names.end()) return true;
  }
  return false;
}

// A mount, and where it is reached from here.
struct Mount {
  CgroupMount entry;
  fs::path path;
};

// A mount table read through /host/proc/self is this process's own and names
// /host/sys/…; one read through /proc/1 is the node's and names /sys/….
std::vector<Mount> reach(std::vector<CgroupMount> entries, const Roots& roots) {
  const std::string host = normal_path(roots.host_root.string());
  const bool own_table = std::any_of(entries.begin(), entries.end(), [&](const CgroupMount& entry) {
    return is_below(normal_path(entry.point), host);
  });
  std::vector<Mount> mounts;
  for (CgroupMount& entry : entries) {
    if (own_table && !is_below(normal_path(entry.point), host)) continue;  // this container's, not the node's
    fs::path path = own_table ? entry.point : normal_path(host + "/" + entry.point);
    if (directory_exists(path)) mounts.push_back({std::move(entry), std::move(path)});
  }
  return mounts;
}

std::vector<Mount> read_mounts(const Roots& roots) {
  for (const char* file : {"proc/self/mountinfo", "proc/1/mountinfo"}) {
    const auto text = read_small_file(roots.host_root / file, kMaxMountinfoBytes);
    if (!text) continue;
    std::vector<Mount> mounts = reach(parse_mountinfo(*text), roots);
    if (!mounts.empty()) return mounts;
  }
  return {};
}

// A root of "/../.." lies above this process's cgroup namespace: wider than any other.
bool is_wider(const CgroupMount& a, const CgroupMount& b) {
  const bool a_above = starts_with(a.root, "/..");
  const bool b_above = starts_with(b.root, "/..");
  if (a_above != b_above) return a_above;
  return a_above ? a.root.size() > b.root.size() : a.root.size() < b.root.size();
}

// Of several mounts of one hierarchy (bind mounts into containers), the one that shows most of it.
template <class Wanted>
const Mount* widest(const std::vector<Mount>& mounts, Wanted wanted) {
  const Mount* best = nullptr;
  for (const Mount& mount : mounts) {
    if (!wanted(mount)) continue;
    if (best == nullptr || is_wider(mount.entry, best->entry)) best = &mount;
  }
  return best;
}

void add_prefix(std::vector<std::string>& prefixes, const fs::path& path) {
  std::string prefix = normal_path(path.string());
  if (prefix != "/") prefixes.push_back(std::move(prefix));
}

void sort_prefixes(std::vector<std::string>& prefixes) {
  std::sort(prefixes.begin(), prefixes.end(), [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() > b.size() : a < b;
  });
  prefixes.erase(std::unique(prefixes.begin(), prefixes.end()), prefixes.end());
}

// Only a mount that is not a bind of a subtree gives paths that mean the same elsewhere.
void add_prefixes(Hierarchy& hierarchy, const std::vector<Mount>& mounts) {
  add_prefix(hierarchy.mount_prefixes, hierarchy.memory_mount);
  // What documentation and other tools print, wherever the mounts are here.
  add_prefix(hierarchy.mount_prefixes, "/sys/fs/cgroup/memory");
  add_prefix(hierarchy.mount_prefixes, "/sys/fs/cgroup/unified");
  if (hierarchy.memory_is_v2) add_prefix(hierarchy.mount_prefixes, "/sys/fs/cgroup");
  for (const Mount& mount : mounts) {
    if (mount.entry.root != hierarchy.mount_root) continue;
    add_prefix(hierarchy.mount_prefixes, mount.path);
    add_prefix(hierarchy.mount_prefixes, mount.entry.point);
  }
  sort_prefixes(hierarchy.mount_prefixes);
}

// Of a node that is seen through a directory, whoever runs this has nothing to mount: what is wrong is where
// they look.
std::string mount_advice(const Roots& roots) {
  if (normal_path(roots.host_root.string()) == "/") {
    return fmt::format("{}, then mount -t cgroup2 none /sys/fs/cgroup", kBootAdvice);
  }
  return fmt::format(
      "name the node's cgroup mount with --cgroup-root DIR, such as --cgroup-root /sys/fs/cgroup: "
      "below {} there is none",
      printable(roots.host_root.string(), 512));
}

tl::unexpected<Error> no_memory_in_v2(const fs::path& mount) {
  return fail(
      ErrorKind::unsupported,
      fmt::format("cgroup v2 at {} has no memory controller, and no cgroup v1 memory hierarchy is mounted",
                  printable(mount.string())),
      fmt::format("{}; where v1 holds the controller, systemd.unified_cgroup_hierarchy=1 moves it to v2",
                  kBootAdvice));
}

Result<Hierarchy> from_mounts(const std::vector<Mount>& mounts, const Roots& roots) {
  const Mount* v1 = widest(mounts, [](const Mount& m) { return m.entry.has_v1_memory; });
  const Mount* v2 = widest(mounts, [](const Mount& m) { return m.entry.is_v2 && v2_has_memory(m.path); });
  const Mount* any_v2 = widest(mounts, [](const Mount& m) { return m.entry.is_v2; });
  const Mount* controller_v1 =
      widest(mounts, [](const Mount& m) { return !m.entry.is_v2 && !m.entry.is_named; });
  Hierarchy hierarchy;
  if (v1 != nullptr) {
    hierarchy.mode = any_v2 != nullptr ? Mode::hybrid : Mode::v1;
    hierarchy.memory_is_v2 = false;
  } else if (v2 != nullptr) {
    hierarchy.mode = controller_v1 != nullptr ? Mode::hybrid : Mode::v2;
  } else if (any_v2 != nullptr) {
    return no_memory_in_v2(any_v2->path);
  } else {
    return fail(ErrorKind::unsupported,
                "the memory controller is not mounted, neither as cgroup v1 nor as v2", mount_advice(roots));
  }
  const Mount& memory = v1 != nullptr ? *v1 : *v2;
  hierarchy.memory_mount = memory.path;
  hierarchy.mount_root = normal_path(memory.entry.root);
  add_prefixes(hierarchy, mounts);
  return hierarchy;
}

Hierarchy v1_at(const fs::path& memory) {
  Hierarchy hierarchy;
  hierarchy.memory_is_v2 = false;
  hierarchy.memory_mount = memory;
  const fs::path unified = fs::path(normal_path(memory.string())).parent_path() / "unified";
  hierarchy.mode = is_v2(unified) ? Mode::hybrid : Mode::v1;
  if (hierarchy.mode == Mode::hybrid) add_prefix(hierarchy.mount_prefixes, unified);
  return hierarchy;
}

// Tells the kind by the files that are there: works for a mount and for a fixture tree.
Result<Hierarchy> from_files(const fs::path& dir, const Roots& roots) {
  if (is_v1_memory(dir)) return v1_at(dir);
  if (is_v1_memory(dir / "memory")) return v1_at(dir / "memory");
  for (const fs::path& v2 : {dir, dir / "unified"}) {
    if (!is_v2(v2)) continue;
    if (!v2_has_memory(v2)) return no_memory_in_v2(v2);
    Hierarchy hierarchy;
    hierarchy.memory_mount = v2;
    hierarchy.mode = v2 == dir ? Mode::v2 : Mode::hybrid;
    return hierarchy;
  }
  return fail(
      ErrorKind::unsupported,
      fmt::format("{} is not a cgroup hierarchy with memory", printable(dir.string())),
      roots.cgroup_root
          ? "name the memory controller's mount, such as /sys/fs/cgroup/memory (v1) or /sys/fs/cgroup (v2)"
          : mount_advice(roots));
}

// Where the directory lies inside a real mount, paths in /proc/PID/cgroup count from the mount's root.
void locate_in_mounts(Hierarchy& hierarchy, const std::vector<Mount>& mounts) {
  const std::string here = normal_path(hierarchy.memory_mount.string());
  const Mount* best = nullptr;
  for (const Mount& mount : mounts) {
    const std::string point = normal_path(mount.path.string());
    const bool right_kind = hierarchy.memory_is_v2 ? mount.entry.is_v2 : mount.entry.has_v1_memory;
    if (!right_kind || !is_below(here, point)) continue;
    if (best == nullptr || point.size() >= normal_path(best->path.string()).size()) best = &mount;
  }
  if (best == nullptr) return;
  const std::string below = here.substr(normal_path(best->path.string()).size());
  hierarchy.mount_root = normal_path(best->entry.root + "/" + below);
  const bool mixed = std::any_of(mounts.begin(), mounts.end(), [&](const Mount& mount) {
    return mount.entry.is_v2 != hierarchy.memory_is_v2 && !mount.entry.is_named;
  });
  if (mixed) hierarchy.mode = Mode::hybrid;
}

fs::path make_absolute(const fs::path& path) {
  std::error_code error;
  fs::path result = fs::absolute(path, error);
  return error ? path : result;
}

}  // namespace

std::string_view to_string(Mode mode) {
  switch (mode) {
    case Mode::v1:
      return "v1";
    case Mode::v2:
      return "v2";
    case Mode::hybrid:
      break;
  }
  return "hybrid";
}

Result<Hierarchy> find_hierarchy(const Roots& roots) {
  const std::vector<Mount> mounts = read_mounts(roots);
  if (!roots.cgroup_root && !mounts.empty()) return from_mounts(mounts, roots);
  const fs::path dir =
      roots.cgroup_root ? make_absolute(*roots.cgroup_root) : roots.host_root / "sys/fs/cgroup";
  if (!directory_exists(dir)) {
    return fail(ErrorKind::unsupported, fmt::format("{} is not a directory", printable(dir.string())),
                roots.cgroup_root ? std::string() : mount_advice(roots));
  }
  auto hierarchy = from_files(dir, roots);
  if (!hierarchy) return hierarchy;
  locate_in_mounts(*hierarchy, mounts);
  add_prefixes(*hierarchy, mounts);
  return hierarchy;
}

std::filesystem::path memcg_dir(const Hierarchy& hierarchy, std::string_view relative_path) {
  std::string path = hierarchy.memory_mount.string();
  if (relative_path.empty() || relative_path.front() != '/') path += '/';
  return path.append(relative_path);
}

}  // namespace memspike::cgroup
