// memspike-workload: makes memory move in known ways, and says when (see --help).
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "commands.h"
#include "output.h"

namespace memspike::workload {
namespace {

constexpr const char* kHelp =
    R"(Usage: memspike-workload COMMAND [ARGUMENTS] [--start-on-stdin | --wait-fd FD]

Moves memory in known ways and says when, in lines "EVENT t_ns=N key=value ..." on stdout;
t_ns is CLOCK_MONOTONIC. SIZE: 4096, 64K, 38M, 1G (binary). MS: 250, or 1s, 250ms, 20us.

A life:
  story [--floor SIZE] [--burst SIZE] [--period MS] [--hold MS] [--bursts N] [--limit-hint SIZE]
      Lives at the floor (38M) and every period (1s) bursts to a total of SIZE (60M) within milliseconds,
      holds it (200ms), falls back. N bursts (0: for ever). With a hint at its limit, all bursts but the last
      of each N stay below it, each higher than the one before. Being killed is part of the story.
  idle SECONDS

Fill, hold, release (each: [--repeat N] [--hold MS] [--pause MS]):
  anon SIZE [--step SIZE] [--step-pause MS] [--lazyfree]
      private memory, at once or in steps; the kernel may take it back while it is held (MADV_FREE)
  thp SIZE                                      the same, in huge pages where the kernel gives them
  mmap-shared SIZE                              shared anonymous memory
  brk SIZE                                      the heap's end
  tmpfs SIZE [--dir DIR] [--keep]               a file on tmpfs (/dev/shm)
  pagecache SIZE --file PATH [--keep]           write, sync, read, drop from the cache
  pipes SIZE                                    memory of the kernel: full pipes
  forks N [--children-touch SIZE] [--parallel N] [--exec]
      a fork storm; each child touches SIZE (1M) and, if asked, executes a program that ends at once
  threads N SIZE                                N threads, spread over the CPUs, SIZE each (N=0: one a CPU)

From code of known names (with --repeat, --hold as above):
  stacks LANGUAGE SIZE                          c, cpp, jit (with /tmp/perf-PID.map), nofp (no frame pointers),
                                               mixed (nofp, two functions, says what each filled),
                                               counted (C++, three classes, says what each holds)

To the limit:
  oom [--max SIZE] [--step SIZE]                touches until it is killed; at SIZE (1G) it gives up, with 1

To measure with:
  storm SECONDS [--region SIZE] [--threads N]   touches 4 KiB pages and gives them back, as fast as it can
                                                (N=0: one thread a CPU, SIZE each)
  heap N                                        N times frees or makes an object of 64 bytes to 1 MiB
  service N [--pause MS] [--request SIZE]       N requests, one every pause (10ms), of SIZE (256K) each
  clock SIZE N --cgroup-usage-file PATH [--pause MS]
      N bursts of SIZE, reading the memory cgroup's usage after every touch: "clock" lines tell when a burst
      first showed (onset_ns), when its maximum first showed (peak_ns) and when the last fall showed (settle_ns).
      Each *_after_ns is the clock before the step that showed it: the kernel's own moment lies between the two.

  --start-on-stdin, --wait-fd FD    say "ready pid=N", then wait for a byte or the end of that file

Exit: 0 done, 1 failed (oom: survived), 2 usage.
)";

struct Command {
  std::string_view name;
  int (*run)(Options&);
};

constexpr Command kCommands[] = {
    {"story", run_story},     {"anon", run_anon},   {"thp", run_thp},         {"mmap-shared", run_shared},
    {"brk", run_brk},         {"oom", run_oom},     {"tmpfs", run_tmpfs},     {"pagecache", run_pagecache},
    {"pipes", run_pipes},     {"forks", run_forks}, {"threads", run_threads}, {"storm", run_storm},
    {"idle", run_idle},       {"clock", run_clock}, {"stacks", run_stacks},   {"heap", run_heap},
    {"service", run_service},
};

int dispatch(const std::vector<std::string_view>& words) {
  if (words.empty()) usage_error("a command is missing");
  for (const std::string_view word : words) {
    if (word == "--help" || word == "-h") return std::fputs(kHelp, stdout) < 0 ? 1 : 0;
  }
  for (const Command& command : kCommands) {
    if (command.name != words[0]) continue;
    Options options({words.begin() + 1, words.end()});
    return command.run(options);
  }
  usage_error("unknown command \"" + std::string(words[0]) + "\"");
}

// A byte or the end of the file: a test may write or just close its end.
void wait_for(int fd) {
  char byte = 0;
  ssize_t count = 0;
  do {
    count = ::read(fd, &byte, 1);
  } while (count < 0 && errno == EINTR);
  check(count, "cannot read the descriptor to wait for");
}

}  // namespace

Cycle parse_cycle(Options& options) {
  Cycle cycle;
  cycle.size_bytes = parse_size_bytes(options.positional("SIZE"));
  if (cycle.size_bytes == 0) usage_error("SIZE must not be 0");
  cycle.repeat = options.count("--repeat", 1);
  cycle.hold_ns = options.duration_ns("--hold", 0);
  cycle.pause_ns = options.duration_ns("--pause", 0);
  return cycle;
}

void start(Options& options) {
  constexpr std::uint64_t kNone = ~std::uint64_t{0} >> 1;
  const std::uint64_t wait_fd = options.flag("--start-on-stdin") ? 0 : options.count("--wait-fd", kNone);
  options.expect_all_used();
  say("ready", {{"pid", static_cast<std::uint64_t>(::getpid())}});
  if (wait_fd != kNone) wait_for(static_cast<int>(wait_fd));
  say("start");
}

}  // namespace memspike::workload

int main(int argc, char** argv) { return memspike::workload::dispatch({argv + 1, argv + argc}); }
