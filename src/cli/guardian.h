// Sees to it that the cgroup of a command goes when the last process in it has gone, whatever became of
// memspike meanwhile.
#pragma once

#include "cgroup/own_cgroup.h"

namespace memspike::cli {

// Forks a process of its own that waits for the end of this one (also by SIGKILL, or by the OOM killer),
// and then for that of the last process in the cgroup, and removes it. It holds on to no file, terminal or
// session of memspike's. To be called while memspike is small: what it holds then is held for that long.
void guard(const cgroup::OwnCgroup& cgroup);

}  // namespace memspike::cli
