// What died by a kill, and what the runtime of the container makes of it.
#pragma once

#include <optional>
#include <string>

#include "report/report.h"

namespace memspike::report {

enum class Fate {
  unknown,
  ended_with_main,  // its main process was killed: exit code 137
  ended,            // another process was killed, and it ended all the same
  lives,            // another process was killed, and it goes on
};

// Of the container, or of the memcg, in which the kill has this entry.
Fate fate_of(const OomKill& kill, const std::string& path);

// Whether kubectl shows OOMKilled for it when the recording ends; nothing where that is not known or where it
// is no container. containerd and CRI-O watch the cgroup, not the process: on cgroup v2 the count of kills of
// any kind ("oom_kill" of memory.events), on v1 a notice that only a memcg's limit gives. They say it of a
// container that has ended, whatever ended it, and of none that goes on.
std::optional<bool> shows_oomkilled(const OomKill& kill, const Memcg& memcg, const facts::Session& session);

}  // namespace memspike::report
