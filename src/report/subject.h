// What the text report talks about: a container, across its restarts, or
// another memcg. A restarted container is a new memcg under the same name; who
// reads the report thinks of it as one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "report/limits.h"
#include "report/report.h"

namespace memspike::report {

// The kernel's own maximum beside ours, of one memcg that has one.
struct PeakPair {
  std::uint64_t ours_bytes = 0;
  std::uint64_t kernel_bytes = 0;
};

struct Subject {
  Memcg memcg;                                       // of its members together; without timeline
  std::vector<const Memcg*> members;                 // in the report; with their timelines
  std::size_t lives = 1;                             // members: 1 + restarts
  std::vector<std::string> kill_cgroups;             // where each of memcg.oom_kills happened
  std::vector<PeakPair> peaks;                       // of the members whose kernel peak is known
  std::vector<const timeline::Overview*> overviews;  // the report's, of the members that have rows

  // A parent without kills of its own, whose every burst is one of a child's.
  bool echoes_child = false;

  // The parent shows kills that are listed with the child that they hit, too.
  bool kills_listed_below = false;

  // A parent whose tasks stood still in a child.
  bool echoes_standing = false;

  bool has_children = false;

  std::optional<LimitAdvice> limits;  // which would have held

  // The kernel counted kills and none was recorded. A parent's count may include
  // its children's: no comparison there.
  bool kills_missed() const {
    return memcg.oom_kills.empty() && memcg.kernel_oom_kills.value_or(0) > 0 && !has_children;
  }
  bool killed() const { return !memcg.oom_kills.empty() && !kills_listed_below; }
  // Kills that the kernel counted beyond those that are listed.
  std::uint64_t kills_unseen() const;
  // Processes were killed, and it goes on all the same.
  bool outlived_kills() const;
  // Worth a section of its own.
  bool interesting() const { return killed() || kills_missed() || stood() || spiked(); }
  // The pause container's start is no news.
  bool spiked() const { return !memcg.bursts.empty() && !echoes_child && memcg.role != facts::Role::sandbox; }
  // At a limit, for seconds, and that is not told of a child already.
  bool stood() const {
    return !echoes_standing && (!memcg.at_limit.standstills.empty() || memcg.at_limit.was_held_at_high());
  }
};

// In the report's order; lives of one container together. The report must outlive them.
std::vector<Lives> lives_of(const Report& report);
std::vector<Subject> subjects_of(const Report& report);

}  // namespace memspike::report
