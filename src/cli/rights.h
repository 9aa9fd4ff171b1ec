// What memspike still needs once it has attached, and giving up the rest.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace memspike::cli {

// What is written after this: files by their names, and a cgroup that is to be removed.
struct StillWritten {
  std::vector<std::string> files;
  std::optional<std::string> cgroup_dir;
  bool has_child = false;                // of any user, to which signals are passed on
  std::vector<std::string> directories;  // anything below them
  bool serves = false;                   // answers on sockets, and tells systemd how it is
};

// Capabilities, new privileges, system calls, and writing to other places: gone for good. What this kernel
// cannot take away is told on stderr with --verbose.
void give_up_rights(const StillWritten& written);

}  // namespace memspike::cli
