// Reads what /proc says about threads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cgroup/host_files.h"
#include "process/thread_facts.h"

namespace memspike::process {

// The field of /proc/PID/stat that tells when the thread started; nullopt: not such a line.
std::optional<std::uint64_t> parse_start_ticks(std::string_view stat);

// Pages of /proc/PID/statm that are neither of a file nor shared memory; nullopt: not such a line.
std::optional<std::uint64_t> parse_own_pages(std::string_view statm);

// Bytes of a line of /proc/meminfo ("MemAvailable"); nullopt: there is none.
std::optional<std::uint64_t> parse_meminfo(std::string_view meminfo, std::string_view name);

class Reader {
 public:
  // host_root: the node's /proc lies below it.
  explicit Reader(const std::filesystem::path& host_root);

  // False: that /proc numbers its processes by itself (that of a container), so that the kernel's
  // numbers would name others. Nothing is read then.
  bool usable() const { return usable_; }

  // nullopt: the thread is gone, or may not be looked at.
  //
  // `known`: what was read before, if it was. While name and start stand, the command line is not read again
  // where the process is settled, or the node is short of memory. For to read it the kernel takes a page
  // while it holds the process's memory (get_mm_cmdline, fs/proc/base.c): without one left, the OOM killer's
  // victim could not be freed meanwhile, and the next one would have to go.
  std::optional<ThreadFacts> read(std::uint32_t tgid, std::uint32_t tid, const ThreadFacts* known = nullptr,
                                  bool settled = false) const;

  // Its threads that sleep uninterruptibly in this function of the kernel; where /proc does not tell which
  // one (wchan, without the right to trace the process), those that sleep so at all. At most 256.
  std::vector<std::uint32_t> sleeping_in(std::uint32_t tgid, std::string_view function) const;

  // The file that says how much memory it has; nothing can be read from it where there is no such process.
  cgroup::SmallFile sizes_of(std::uint32_t tgid) const;
  // What of its own memory it has in RAM, by that file: anonymous, not the files and shared memory that it
  // maps. nullopt: it is gone.
  static std::optional<std::uint64_t> own_bytes(const cgroup::SmallFile& sizes);

  // That there is no such process any more; false when that cannot be known.
  bool has_ended(std::uint32_t tgid) const;

 private:
  bool memory_is_short() const;

  std::filesystem::path proc_;
  bool usable_;
};

}  // namespace memspike::process
