// Memory that the kernel itself holds for a process: the buffers of pipes that nobody reads.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <vector>

#include "commands.h"
#include "output.h"

namespace memspike::workload {
namespace {

constexpr std::uint64_t kPipeBytes = 1U << 20;  // what any user may ask for

// Both ends of a full pipe.
std::array<int, 2> full_pipe(std::uint64_t size_bytes) {
  static const std::array<char, kPipeBytes> kZeros{};
  std::array<int, 2> ends{};
  check(::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK), "pipe2");
  check(::fcntl(ends[1], F_SETPIPE_SZ, static_cast<int>(kPipeBytes)), "F_SETPIPE_SZ");
  check(::write(ends[1], kZeros.data(), size_bytes), "cannot fill the pipe");
  return ends;
}

}  // namespace

int run_pipes(Options& options) {
  const Cycle cycle = parse_cycle(options);
  start(options);
  for (std::uint64_t round = 0; round < cycle.repeat; ++round) {
    say("fill", {{"round", round}});
    std::vector<std::array<int, 2>> pipes;
    for (std::uint64_t left = cycle.size_bytes; left > 0; left -= std::min(left, kPipeBytes)) {
      pipes.push_back(full_pipe(std::min(left, kPipeBytes)));
    }
    say("filled", {{"bytes", cycle.size_bytes}});
    sleep_ns(cycle.hold_ns);
    for (const auto& ends : pipes) {
      ::close(ends[0]);
      ::close(ends[1]);
    }
    say("released");
    sleep_ns(cycle.pause_ns);
  }
  return 0;
}

}  // namespace memspike::workload
