// A limit on which files this process may change, by landlock, where the kernel has it (5.13).
#pragma once

#include <span>
#include <string>

namespace memspike::rights {

// From here on, files are made, removed and written only below these directories (or in these files); what
// is open stays open. False: there is no landlock here. Whoever is under landlock may not look at
// /proc/PID/maps and root of others (ptrace_may_access) any more.
bool write_only_below(std::span<const std::string> paths);

}  // namespace memspike::rights
