#include "cgroup/own_cgroup.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "cgroup/files.h"
#include "cgroup/host_files.h"
#include "cgroup/resolve_path.h"
#include "cgroup/text.h"

namespace memspike::cgroup {
namespace {

namespace fs = std::filesystem;

constexpr int kRemoveTries = 100;
constexpr useconds_t kRemovePause = 10'000;  // microseconds: a second in all
constexpr mode_t kMode = 0755;

std::string error_text(int error) { return std::generic_category().message(error); }

// Returns 0 or errno. Never creates the file: cgroup files exist or do not.
int write_file(const fs::path& path, const std::string& text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  const ssize_t written = write(fd, text.data(), text.size());
  const int error = written == static_cast<ssize_t>(text.size()) ? 0 : (written < 0 ? errno : EIO);
  close(fd);
  return error;
}

std::string own_memcg(const Hierarchy& hierarchy, const Roots& roots) {
  const auto charged = resolve_self(hierarchy, roots);
  return charged ? charged->memcg : "/";
}

bool hands_memory_down(const fs::path& dir) {
  const auto text = read_small_file(dir / kSubtreeControl, 4096);
  if (!text) return false;
  for (const std::string_view line : split(*text, '\n')) {
    const auto names = split(line, ' ');
    if (std::find(names.begin(), names.end(), "memory") != names.end()) return true;
  }
  return false;
}

bool is_privilege(int error) { return error == EPERM || error == EACCES || error == EROFS; }

tl::unexpected<Error> refuse(const std::string& what, int error) {
  if (error == EROFS) {
    return fail(ErrorKind::unsupported,
                fmt::format("cannot {}: the cgroup file system is mounted read-only", what),
                "run on the host, or in a privileged container with a writable /sys/fs/cgroup");
  }
  return fail(is_privilege(error) ? ErrorKind::unsupported : ErrorKind::failed,
              fmt::format("cannot {}: {}", what, error_text(error)),
              is_privilege(error) ? "run as root" : "");
}

// rmdir from the leaves up. A cgroup's files go with it, so no file is removed.
int remove_tree(const fs::path& dir, int depth = 0) {
  if (depth > 32) return ELOOP;
  for (const DirectoryEntry& entry : list_directory(dir)) {
    if (entry.is_directory) remove_tree(dir / entry.name, depth + 1);
  }
  return rmdir(dir.c_str()) == 0 || errno == ENOENT ? 0 : errno;
}

// Returns 0 or errno.
int make_directory(const fs::path& dir) {
  if (mkdir(dir.c_str(), kMode) == 0) return 0;
  if (errno != EEXIST) return errno;
  if (const int error = remove_tree(dir); error != 0) return error;
  return mkdir(dir.c_str(), kMode) == 0 ? 0 : errno;
}

// Before Linux 5.11 a v1 memcg does not count its children unless told to.
// Fails where the parent counts already, which is as good.
void count_children(const fs::path& dir) { write_file(dir / kUseHierarchy, "1"); }

}  // namespace

std::vector<std::string> own_cgroup_parents(const Hierarchy& hierarchy, const Roots& roots) {
  std::string here = own_memcg(hierarchy, roots);
  std::vector<std::string> parents;
  while (here != "/") {
    if (!hierarchy.memory_is_v2 || hands_memory_down(memcg_dir(hierarchy, here))) parents.push_back(here);
    here = parent_path(here);
  }
  parents.emplace_back("/");
  return parents;
}

Result<void> set_limit(const fs::path& dir, bool memory_is_v2, std::uint64_t limit_bytes) {
  const std::string limit = std::to_string(limit_bytes);
  const char* file = memory_is_v2 ? kMemoryMax : kLimitInBytes;
  if (const int error = write_file(dir / file, limit); error != 0) {
    return refuse(fmt::format("write {} to {}", limit, (dir / file).string()), error);
  }
  // Kernels without swap accounting have neither file.
  const fs::path swap = dir / (memory_is_v2 ? kMemorySwapMax : kMemswLimitInBytes);
  if (path_exists(swap)) {
    const int error = write_file(swap, memory_is_v2 ? "0" : limit);
    if (error != 0) return refuse(fmt::format("limit swap in {}", swap.string()), error);
  } else if (!memory_is_v2) {
    write_file(dir / kSwappiness, "0");
  }
  return {};
}

Result<OwnCgroup> OwnCgroup::create(const Hierarchy& hierarchy, const Roots& roots, const std::string& name,
                                    std::optional<std::uint64_t> limit_bytes) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos) {
    return fail(ErrorKind::usage, fmt::format("\"{}\" is not a name for a cgroup", printable(name)));
  }
  int error = ENOENT;
  std::string tried;
  for (const std::string& parent : own_cgroup_parents(hierarchy, roots)) {
    const fs::path above = memcg_dir(hierarchy, parent);
    if (hierarchy.memory_is_v2 && !hands_memory_down(above)) write_file(above / kSubtreeControl, "+memory");
    std::string path = normal_path(fmt::format("{}/{}", parent, name));
    fs::path dir = memcg_dir(hierarchy, path);
    tried = dir.string();
    error = make_directory(dir);
    if (error != 0) continue;
    OwnCgroup own(std::move(path), std::move(dir));
    if (!is_memcg(own.dir())) {
      error = ENODEV;
      continue;
    }
    if (!hierarchy.memory_is_v2) count_children(own.dir());
    if (limit_bytes) {
      if (auto set = set_limit(own.dir(), hierarchy.memory_is_v2, *limit_bytes); !set) {
        return tl::unexpected<Error>(set.error());
      }
    }
    return own;
  }
  if (error == ENODEV) {
    return fail(ErrorKind::unsupported,
                fmt::format("a new cgroup at {} gets no memory controller", printable(tried, 512)),
                fmt::format("write +memory to {} in its parent", kSubtreeControl));
  }
  return refuse(fmt::format("make cgroup {}", printable(tried, 512)), error);
}

OwnCgroup::OwnCgroup(OwnCgroup&& other) noexcept
    : path_(std::move(other.path_)), dir_(std::exchange(other.dir_, fs::path())) {}

OwnCgroup& OwnCgroup::operator=(OwnCgroup&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(dir_, other.dir_);
  return *this;
}

OwnCgroup::~OwnCgroup() {
  // Nobody is left to tell; remove() is there for those who want to know.
  static_cast<void>(remove());
}

fs::path OwnCgroup::procs_path() const { return dir_ / kProcs; }

Result<void> OwnCgroup::enter(pid_t pid) const {
  const int error = write_file(procs_path(), std::to_string(pid));
  if (error != 0) return refuse(fmt::format("move a process into {}", printable(dir_.string(), 512)), error);
  return {};
}

bool OwnCgroup::try_to_remove() const { return dir_.empty() || remove_tree(dir_) == 0; }

Result<void> OwnCgroup::remove() {
  if (dir_.empty()) return {};
  int error = 0;
  // A process that ended stays in its cgroup until it is reaped.
  for (int i = 0; i < kRemoveTries; ++i) {
    error = remove_tree(dir_);
    if (error != EBUSY) break;
    usleep(kRemovePause);
  }
  if (error == 0) {
    dir_.clear();
    return {};
  }
  return fail(ErrorKind::failed,
              fmt::format("cannot remove cgroup {}: {}", printable(dir_.string(), 512), error_text(error)),
              "processes of the command still run in it; rmdir it when they have ended");
}

}  // namespace memspike::cgroup
