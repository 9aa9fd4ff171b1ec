// The sub-commands. Each parses its own options, starts when it may, and returns the exit code.
#pragma once

#include "options.h"

namespace memspike::workload {

int run_story(Options& options);
int run_anon(Options& options);
int run_thp(Options& options);
int run_shared(Options& options);
int run_brk(Options& options);
int run_oom(Options& options);
int run_tmpfs(Options& options);
int run_pagecache(Options& options);
int run_pipes(Options& options);
int run_forks(Options& options);
int run_threads(Options& options);
int run_storm(Options& options);
int run_idle(Options& options);
int run_clock(Options& options);
int run_stacks(Options& options);
int run_heap(Options& options);
int run_service(Options& options);

// How a command that fills and empties memory goes about it.
struct Cycle {
  std::uint64_t size_bytes = 0;
  std::uint64_t repeat = 1;
  std::uint64_t hold_ns = 0;   // between filled and released
  std::uint64_t pause_ns = 0;  // after each release
};

// SIZE [--repeat N] [--hold MS] [--pause MS]
Cycle parse_cycle(Options& options);

// To be called when every option has been read and nothing touched yet: refuses what is left of the
// options, says "ready", blocks as --wait-fd or --start-on-stdin ask, and says "start".
void start(Options& options);

}  // namespace memspike::workload
