// Stands between whoever sends signals and the command that they are meant for.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <utility>

#include "cli/signals.h"

namespace memspike::cli {

class Relay {
 public:
  // dir: the command's cgroup.
  Relay(pid_t command, std::filesystem::path dir) : command_(command), dir_(std::move(dir)) {}

  // Passes it on, unless the command has got it already: what the terminal sends goes to its whole
  // foreground process group, and what a process of the command sends it may have sent to the group, too.
  // Stops and goes on with the command, so that a shell sees one job.
  void take(const Signal& signal) const;

 private:
  bool comes_from_command(pid_t sender) const;
  void stop_with_command() const;

  pid_t command_;
  std::filesystem::path dir_;
};

}  // namespace memspike::cli
