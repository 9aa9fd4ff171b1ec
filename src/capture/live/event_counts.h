// What fired, what became of it, and what was lost: the names under which reports have it.
#pragma once

#include <cstdint>

#include "capture/live/memory_stat.h"
#include "facts/fact.h"
#include "probe/probe.h"

namespace memspike::capture {

// Records that came, and that nobody could make sense of.
struct Unread {
  std::uint64_t unknown_memcgs = 0;
  std::uint64_t malformed = 0;
};

void count_events(const probe::Probe& probe, const MemoryStat& memory_stat, const Unread& unread,
                  facts::SessionKnown& known);

}  // namespace memspike::capture
