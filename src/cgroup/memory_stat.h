// memory.stat of both versions, read for what a memcg's usage consists of.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

#include "cgroup/hierarchy.h"
#include "cgroup/host_files.h"
#include "composition/parts.h"

namespace memspike::cgroup {

struct MemoryStat {
  // Page cache of the memcg and its descendants that was not used again lately: what cAdvisor, and
  // so kubectl top, takes off usage.
  std::optional<std::uint64_t> inactive_file_bytes;
  // Page cache on both of reclaim's lists: what the kernel drops before it lets a limit kill. Neither shmem
  // nor what is locked is on them.
  std::optional<std::uint64_t> reclaimable_file_bytes;
  composition::Parts parts;
};

// The content of memory.stat. The two versions name and count differently:
//
//   anon    v1 total_rss (with swap cache)       v2 anon
//   file    v1 total_cache, v2 file: both with shmem, which is taken off here
//   shmem   v1 total_shmem                       v2 shmem
//   kernel  v1 memory.kmem.usage_in_bytes, a file of its own, not in here
//           v2 kernel since Linux 5.18, before it the sum of slab, page tables, stacks and percpu
//   sock    v1 none: what sockets hold is counted apart from usage   v2 sock
//
// All are of the memcg and its descendants. The kernel gathers them from its CPUs when the file is
// read, unless little has changed since: they may lag behind usage by 64 pages a CPU.
MemoryStat parse_memory_stat(std::string_view content);

// Reads a memcg's files, which it keeps open. A reading took 15 µs where it was measured (v1, 2 CPUs),
// while the kernel sums up what its CPUs counted; on machines with many CPUs and cgroups up to a
// millisecond.
class StatFiles {
 public:
  explicit StatFiles(const std::filesystem::path& dir, Version version = Version::any);

  struct Reading {
    MemoryStat stat;
    std::optional<std::uint64_t> usage_bytes;  // read right behind it
  };
  // nullopt: not readable, or not any more.
  std::optional<Reading> read() const;

 private:
  SmallFile stat_;
  SmallFile kernel_;  // v1
  SmallFile usage_;
};

// Whether a process is in the memcg itself; those in its descendants do not count.
std::optional<bool> read_has_processes(const std::filesystem::path& dir);

// Whether processes are in it or, on v2, below; nullopt: not known.
std::optional<bool> read_populated(const std::filesystem::path& dir);

}  // namespace memspike::cgroup
