// A command that waits for the starting signal.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "cgroup/own_cgroup.h"

namespace memspike::cli {

class Child {
 public:
  // Forks a process that is in the cgroup already, but has not executed the command:
  // its first page is charged after tracing has begun.
  static Result<Child> prepare(const std::vector<std::string>& command, const cgroup::OwnCgroup& cgroup);

  Child(Child&& other) noexcept;
  ~Child();  // a child that never got its signal ends without executing anything

  pid_t pid() const { return pid_; }

  // Lets it go on. 0, or the errno of exec: the command could not be started.
  int release();

  // Waits for its end: its exit code, or 128 + the signal that killed it.
  int wait();

 private:
  Child(pid_t pid, UniqueFd go, UniqueFd status)
      : pid_(pid), go_(std::move(go)), status_(std::move(status)) {}

  pid_t pid_;
  UniqueFd go_;      // a byte written here is the starting signal
  UniqueFd status_;  // exec's errno comes from here; closed by a successful exec
};

}  // namespace memspike::cli
