// The kernel's own figures of each memcg, from its cgroup's files: its maximum, and how many OOM kills
// and refused charges it counted over the recording.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "cgroup/hierarchy.h"
#include "report/fact.h"
#include "report/interpreter.h"

namespace memspike::cli {

class KernelCounters {
 public:
  explicit KernelCounters(const cgroup::Hierarchy& hierarchy) : hierarchy_(hierarchy) {}

  // Before anything of the memcg is recorded: where its counts stand. Its birth is told only moments
  // later, when a busy target may have added to them already.
  void read_before(const std::string& path);

  // A memcg entered the recording.
  void begin(report::MemcgIndex memcg, const std::string& path);

  // Of each memcg that still exists. True when its maximum is the one that was last read through BPF,
  // so that the two can be compared.
  bool read(const report::Interpreter& interpreter, std::vector<report::KernelCounts>& counts) const;

 private:
  struct Counts {
    std::optional<std::uint64_t> oom_kills;
    std::optional<std::uint64_t> limit_hits;
    std::optional<std::uint64_t> high_hits;
  };

  Counts read_counts(const std::string& path) const;

  const cgroup::Hierarchy& hierarchy_;
  std::map<std::string, Counts> before_;  // by path
  std::map<report::MemcgIndex, Counts> begun_;
};

}  // namespace memspike::cli
