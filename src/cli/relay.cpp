#include "cli/relay.h"

#include <sys/wait.h>

#include <algorithm>
#include <csignal>

#include "cgroup/files.h"

namespace memspike::cli {
namespace {

bool is_about_to_go_on() {
  sigset_t pending;
  return sigpending(&pending) == 0 && sigismember(&pending, SIGCONT) == 1;
}

}  // namespace

void Relay::take(const Signal& signal) const {
  if (signal.number == SIGCHLD) {
    stop_with_command();
    return;
  }
  if (!signal.is_from_kernel && !comes_from_command(signal.sender)) send(command_, signal);
  if (signal.number == SIGTSTP) stop_here();
}

bool Relay::comes_from_command(pid_t sender) const {
  if (sender <= 0) return false;
  if (sender == command_) return true;
  const auto processes = cgroup::read_processes(dir_);
  return std::find(processes.begin(), processes.end(), static_cast<std::uint32_t>(sender)) != processes.end();
}

// A command that stops itself by job control (an editor's :stop) stops alone where it has a process group
// of its own. SIGSTOP is somebody else's doing, and no reason not to look on.
void Relay::stop_with_command() const {
  siginfo_t info{};
  if (waitid(P_PID, static_cast<id_t>(command_), &info, WSTOPPED | WNOHANG) != 0) return;
  const bool by_job_control =
      info.si_status == SIGTSTP || info.si_status == SIGTTIN || info.si_status == SIGTTOU;
  if (info.si_pid == command_ && by_job_control && !is_about_to_go_on()) stop_here();
}

}  // namespace memspike::cli
