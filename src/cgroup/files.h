// The memory controller's files: names as constants, and readers that know
// both versions. `dir` is a memcg's directory in the file system, `version` which of them to try.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cgroup/hierarchy.h"
#include "cgroup/host_files.h"

namespace memspike::cgroup {

inline constexpr const char* kProcs = "cgroup.procs";
inline constexpr const char* kEvents = "cgroup.events";                           // v2
inline constexpr const char* kControllers = "cgroup.controllers";                 // v2
inline constexpr const char* kSubtreeControl = "cgroup.subtree_control";          // v2
inline constexpr const char* kMemoryCurrent = "memory.current";                   // v2
inline constexpr const char* kMemoryMax = "memory.max";                           // v2
inline constexpr const char* kMemoryHigh = "memory.high";                         // v2
inline constexpr const char* kMemoryPressure = "memory.pressure";                 // v2, with CONFIG_PSI
inline constexpr const char* kMemoryPeak = "memory.peak";                         // v2, Linux 5.19
inline constexpr const char* kMemoryEvents = "memory.events";                     // v2
inline constexpr const char* kMemoryEventsLocal = "memory.events.local";          // v2, from Linux 5.2
inline constexpr const char* kMemoryStat = "memory.stat";                         // v1 and v2
inline constexpr const char* kMemorySwapMax = "memory.swap.max";                  // v2
inline constexpr const char* kUsageInBytes = "memory.usage_in_bytes";             // v1
inline constexpr const char* kLimitInBytes = "memory.limit_in_bytes";             // v1
inline constexpr const char* kMaxUsageInBytes = "memory.max_usage_in_bytes";      // v1
inline constexpr const char* kKmemUsageInBytes = "memory.kmem.usage_in_bytes";    // v1
inline constexpr const char* kFailcnt = "memory.failcnt";                         // v1
inline constexpr const char* kMemswFailcnt = "memory.memsw.failcnt";              // v1
inline constexpr const char* kOomControl = "memory.oom_control";                  // v1
inline constexpr const char* kMemswLimitInBytes = "memory.memsw.limit_in_bytes";  // v1
inline constexpr const char* kSwappiness = "memory.swappiness";                   // v1
inline constexpr const char* kUseHierarchy = "memory.use_hierarchy";              // v1

// The memcg's own maximum, as the kernel kept it, and the file that says so.
struct KernelPeak {
  std::uint64_t bytes = 0;
  std::string source;  // kMemoryPeak or kMaxUsageInBytes
};

// The number that is all of a file's content.
std::optional<std::uint64_t> read_number(const SmallFile& file);

// memory.max or memory.limit_in_bytes, bytes; nullopt: no limit, or not readable.
std::optional<std::uint64_t> read_limit_bytes(const std::filesystem::path& dir);

// memory.high, bytes; nullopt: none, or not readable, as always on v1.
std::optional<std::uint64_t> read_high_bytes(const std::filesystem::path& dir);

// The file of usage, of v2 unless it is v1.
constexpr const char* usage_file(Version version) {
  return version == Version::v1 ? kUsageInBytes : kMemoryCurrent;
}

// memory.current or memory.usage_in_bytes, bytes; nullopt: not readable.
std::optional<std::uint64_t> read_usage_bytes(const std::filesystem::path& dir,
                                              Version version = Version::any);

// memory.peak, else memory.max_usage_in_bytes; nullopt where the kernel has
// neither (v2 before Linux 5.19).
std::optional<KernelPeak> read_kernel_peak(const std::filesystem::path& dir, Version version = Version::any);

// The kernel's own count of processes of this memcg and its descendants (v1:
// of this memcg alone) that the OOM killer killed.
std::optional<std::uint64_t> read_oom_kills(const std::filesystem::path& dir, Version version = Version::any);

// The same of this memcg alone, on v2, too: "oom_kill" of memory.events.local.
std::optional<std::uint64_t> read_own_oom_kills(const std::filesystem::path& dir,
                                                Version version = Version::any);

// How often its own limit refused a charge, by the kernel's own count: "max" of memory.events.local, else
// memory.failcnt and memory.memsw.failcnt.
std::optional<std::uint64_t> read_refused_charges(const std::filesystem::path& dir,
                                                  Version version = Version::any);

// How often its tasks were throttled and sent to reclaim for being above memory.high: "high" of
// memory.events.local; nullopt on v1.
std::optional<std::uint64_t> read_throttled_charges(const std::filesystem::path& dir,
                                                    Version version = Version::any);

// How its tasks stand to the OOM killer on v1 (memory.oom_control); nullopt: on v2, or not readable.
struct OomControl {
  bool killer_disabled = false;  // tasks at the limit sleep until there is room, and nobody is killed
  bool under_oom = false;        // some do so now, in it or above it
};
std::optional<OomControl> read_oom_control(const std::filesystem::path& dir);

// For how long at least one of its tasks stood still for want of memory, by the kernel's count since the
// cgroup was made, whatever for: reclaim, memory.high's sleeps, pages that are read again. "some" of
// memory.pressure; nullopt: on v1, or where the kernel does not count.
std::optional<std::uint64_t> read_pressure_ns(const std::filesystem::path& dir,
                                              Version version = Version::any);

// The processes in it (not in its descendants), by the numbers of this pid namespace; empty: none, or not
// readable. 0 stands for those that this namespace has no number for: left out.
std::vector<std::uint32_t> read_processes(const std::filesystem::path& dir);

// The cgroup's kernfs id, which is its directory's inode number.
std::optional<std::uint64_t> cgroup_inode(const std::filesystem::path& dir);

// True when the directory is a memcg: a v2 cgroup whose parent does not hand
// the memory controller down has no memory files, and is charged to an ancestor.
bool is_memcg(const std::filesystem::path& dir);

}  // namespace memspike::cgroup
