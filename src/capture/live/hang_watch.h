// cgroup v1 with the OOM killer disabled: notices tasks that sleep at a limit which nobody enforces by a
// kill.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "capture/live/source.h"
#include "cgroup/hierarchy.h"
#include "process/reader.h"

namespace memspike::capture {

// The kernel has no event for it. A task that finds no room sleeps in mem_cgroup_oom_synchronize
// (mm/memcontrol.c) until something is uncharged, the limit is raised or it is killed; meanwhile "under_oom
// 1" stands in memory.oom_control of the memcg that is full and of all below it. That is looked at ten times
// a second, where usage stands at the limit; twice in a row makes it sure.
class HangWatch : public Source {
 public:
  HangWatch(const cgroup::Hierarchy& hierarchy, const process::Reader& proc, const Census& census)
      : hierarchy_(hierarchy), proc_(proc), census_(census) {}

  void on_reading(const Reading& reading) override;
  // Does nothing at all on v2.
  void poll(std::uint64_t now_ns, const Emit& emit) override;

 private:
  struct Hang {
    std::uint64_t since_ns = 0;
    std::optional<std::string> limit_path;
    bool told = false;
    std::size_t told_tasks = 0;
  };

  void find_near();
  void look(facts::MemcgIndex memcg, const std::string& path, std::uint64_t now_ns, const Emit& emit);
  void tell_of(facts::MemcgIndex memcg, const std::string& path, Hang& hang, const Emit& emit);
  std::optional<std::string> full_above(const std::string& path) const;

  const cgroup::Hierarchy& hierarchy_;
  const process::Reader& proc_;
  const Census& census_;
  std::map<facts::MemcgIndex, Hang> hangs_;
  std::set<facts::MemcgIndex> near_;  // that may hang, as they were looked at last
  std::uint64_t next_search_ns_ = 0;
  std::uint64_t next_ns_ = 0;
};

}  // namespace memspike::capture
