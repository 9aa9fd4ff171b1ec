#include "cli/signals.h"

#include <csignal>

namespace memspike::cli {

std::vector<int> signals_of_recorder() { return {SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGUSR1, SIGUSR2}; }

std::vector<int> signals_of_wrapper() {
  // SIGCHLD tells that the command stopped. SIGTTIN and SIGTTOU are about who reads the terminal.
  std::vector<int> signals{SIGHUP,  SIGINT,   SIGQUIT, SIGUSR1, SIGUSR2,   SIGALRM,
                           SIGTERM, SIGCONT,  SIGTSTP, SIGURG,  SIGXCPU,   SIGVTALRM,
                           SIGPROF, SIGWINCH, SIGIO,   SIGPWR,  SIGSTKFLT, SIGCHLD};
  for (int signal = SIGRTMIN; signal <= SIGRTMAX; ++signal) signals.push_back(signal);
  return signals;
}

void send(pid_t pid, const Signal& signal) {
  if (!signal.value) {
    kill(pid, signal.number);
    return;
  }
  sigval value{};
  value.sival_ptr = reinterpret_cast<void*>(*signal.value);  // NOLINT(performance-no-int-to-ptr): passed on
  sigqueue(pid, signal.number, value);
}

void stop_here() {
  sigset_t stop;
  sigset_t taken;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTSTP);
  raise(SIGTSTP);
  sigprocmask(SIG_UNBLOCK, &stop, &taken);  // delivered here, and acted upon by the kernel
  sigprocmask(SIG_SETMASK, &taken, nullptr);
}

}  // namespace memspike::cli
