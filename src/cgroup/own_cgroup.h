// A memory cgroup of our own around a command (`memspike run`).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cgroup/hierarchy.h"
#include "cgroup/roots.h"

namespace memspike::cgroup {

// Where a cgroup of our own could be made, best first. v1: below the memcg of
// this process, so that its limits keep counting. v2: below its nearest
// ancestor that hands the memory controller down (a cgroup with processes of
// its own cannot), the root at last. Paths relative to the mount.
std::vector<std::string> own_cgroup_parents(const Hierarchy& hierarchy, const Roots& roots);

// Limits memory, and swap with it: otherwise swapping would hide the kill.
// ErrorKind::unsupported or failed; `limit_bytes` is rounded down to pages by the kernel.
Result<void> set_limit(const std::filesystem::path& dir, bool memory_is_v2, std::uint64_t limit_bytes);

// Makes the cgroup; removes it when it goes out of scope. Kills nothing.
class OwnCgroup {
 public:
  // `name` is one path component, such as "memspike-run-4711"; a left-over of
  // that name without processes is replaced. No limit when limit_bytes is unset.
  static Result<OwnCgroup> create(const Hierarchy& hierarchy, const Roots& roots, const std::string& name,
                                  std::optional<std::uint64_t> limit_bytes);
  ~OwnCgroup();
  OwnCgroup(OwnCgroup&& other) noexcept;
  OwnCgroup& operator=(OwnCgroup&& other) noexcept;

  const std::string& path() const { return path_; }  // relative to the mount
  const std::filesystem::path& dir() const { return dir_; }
  std::filesystem::path procs_path() const;  // a child writes "0" here before it execs

  // Moves a process in; 0 is the calling one.
  Result<void> enter(pid_t pid) const;

  // Removes it and what is below it, once. False while processes remain in it.
  bool try_to_remove() const;

  // The same, waiting up to a second for the last process to be gone. ErrorKind::failed while processes
  // remain.
  Result<void> remove();

  // It is left to somebody else to remove.
  void leave() { dir_.clear(); }

 private:
  OwnCgroup(std::string path, std::filesystem::path dir) : path_(std::move(path)), dir_(std::move(dir)) {}

  std::string path_;
  std::filesystem::path dir_;  // empty: nothing (left) to remove
};

}  // namespace memspike::cgroup
