// Where in the code the memory was asked for (--stacks). Plain values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "facts/code.h"

namespace memspike::report {

struct Stacks : facts::NamedStacks {
  std::uint64_t page_size_bytes = 4096;
  std::uint64_t pages = 0;            // of all stacks, those that found no room included
  std::uint64_t overflow_pages = 0;   // of more different stacks than are told apart
  std::uint64_t user_pages = 0;       // of those with a user stack
  std::uint64_t cut_short_pages = 0;  // … that is cut short
};

// Their sums, of what is in them.
void count(Stacks& stacks);

// Leaves those that were seen in that time, as far as that is known.
void keep_seen(Stacks& stacks, std::uint64_t since_ns, std::uint64_t until_ns);

// Makes one of those from the same place, whenever they were seen.
void join_times(Stacks& stacks);

}  // namespace memspike::report
