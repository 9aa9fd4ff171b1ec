// Signals as a wrapper around a command meets them: which it takes, and what it does with each.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace memspike::cli {

struct Signal {
  int number = 0;
  bool is_from_kernel = false;         // from a terminal's keys or size: its whole process group got it
  pid_t sender = 0;                    // 0: nobody that this process could see
  std::optional<std::intptr_t> value;  // of sigqueue
};

// Those that end a recording with its report, and the stop from the keyboard.
std::vector<int> signals_of_recorder();

// All that a command might be sent: what ends, what a program means by itself, window sizes, job control,
// the real-time ones. Not those that a fault of memspike's own raises, nor SIGCHLD's like.
std::vector<int> signals_of_wrapper();

// To that process, with its value if it has one.
void send(pid_t pid, const Signal& signal);

// Stops this process as SIGTSTP would have, were it not taken, until somebody continues it. As the kernel
// has it, nothing happens where no shell is there that could (an orphaned process group).
void stop_here();

}  // namespace memspike::cli
