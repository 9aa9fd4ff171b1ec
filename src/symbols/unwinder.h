// From a copy of a user stack to the addresses of its frames, by the unwind tables of the files that its code
// was mapped from. What cannot be known ends the stack: nothing is guessed.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <vector>

#include "symbols/processes.h"
#include "symbols/rules.h"
#include "symbols/stack_copy.h"

namespace memspike::symbols {

struct Chain {
  std::vector<std::uint64_t> frames;  // innermost first
  bool is_whole = false;              // it ends where the thread began
};

class Unwinder {
 public:
  Unwinder(const Modules& modules, Processes& processes) : processes_(processes), rules_(modules) {}

  using Sink = std::function<void(std::uint64_t copy, const Chain& chain)>;
  // Now, or when more is known of its process's code: at read_due().
  void take(StackCopy copy, std::uint64_t now_ns, const Sink& sink);
  void read_due(std::uint64_t now_ns, const Sink& sink);
  // Nothing more is waited for.
  void finish(std::uint64_t now_ns, const Sink& sink);

  std::uint64_t failed_files() const { return rules_.failed_files(); }

 private:
  struct Walk;
  struct Waiting {
    StackCopy copy;
    std::uint64_t since_ns = 0;
  };
  Walk walk(const StackCopy& copy) const;
  Walk unwind(const StackCopy& copy, std::uint64_t now_ns);
  bool step(const StackCopy& copy, Walk& walk, Registers& registers, bool& is_return) const;
  bool step_by_frame_pointer(const StackCopy& copy, Registers& registers) const;
  void append_frame_pointers(const StackCopy& copy, Walk& walk) const;
  void read_candidates(const StackCopy& copy, std::uint64_t now_ns);

  Processes& processes_;
  Rules rules_;
  std::deque<Waiting> waiting_;
};

}  // namespace memspike::symbols
