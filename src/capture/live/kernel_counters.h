// The kernel's own figures of each memcg, from its cgroup's files: its maximum, and how many OOM kills
// and refused charges it counted over the recording.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "capture/live/source.h"
#include "cgroup/hierarchy.h"

namespace memspike::capture {

class KernelCounters : public Source {
 public:
  // `spares`: reads nothing when a memcg is born, and so tells nothing of what was counted since then.
  KernelCounters(const cgroup::Hierarchy& hierarchy, const Census& census, bool spares)
      : hierarchy_(hierarchy), census_(census), spares_(spares) {}

  // Before anything of the memcg is recorded: where its counts stand. Its birth is told only moments
  // later, when a busy target may have added to them already.
  void before_tracking(const std::string& path) override;

  // A memcg entered the recording, or is gone.
  void on_fact(const facts::Fact& fact, const Emit& emit) override;
  void poll(std::uint64_t, const Emit&) override {}

  // Of each memcg that still exists. True when its maximum is the one that was last read through BPF,
  // so that the two can be compared.
  bool read(std::vector<facts::KernelCounts>& counts) const;

 private:
  struct Counts {
    std::optional<std::uint64_t> oom_kills;
    std::optional<std::uint64_t> refused_charges;
    std::optional<std::uint64_t> throttled_charges;
    std::optional<std::uint64_t> pressure_ns;
  };

  Counts read_counts(const std::string& path) const;

  const cgroup::Hierarchy& hierarchy_;
  const Census& census_;
  bool spares_;
  std::map<std::string, Counts> before_;  // by path
  std::map<facts::MemcgIndex, Counts> begun_;
};

}  // namespace memspike::capture
