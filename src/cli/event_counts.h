// What fired, what became of it, and what was lost: the names under which reports have it.
#pragma once

#include <cstdint>

#include "cli/stat_reader.h"
#include "probe/probe.h"
#include "report/fact.h"

namespace memspike::cli {

// Records that came, and that nobody could make sense of.
struct Unread {
  std::uint64_t unknown_memcgs = 0;
  std::uint64_t malformed = 0;
};

void count_events(const probe::Probe& probe, const StatReader& stat_reader, const Unread& unread,
                  report::SessionKnown& known);

}  // namespace memspike::cli
