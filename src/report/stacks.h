// Where in the code the memory was asked for (--stacks). Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace memspike::report {

// What code was mapped from.
struct Module {
  std::string path;      // as its process sees it; "[kernel]", "[vdso]", "[jit]", "[unknown]"; untrusted
  std::string build_id;  // hexadecimal; "" without one
};

// A place in the code.
struct Frame {
  std::string function;      // demangled; "": not known; untrusted bytes
  std::uint32_t module = 0;  // in Stacks::modules
  std::uint64_t address =
      0;  // in the terms of the module's own file; of the process, where that is not known
};

struct Stack {
  std::uint64_t pages = 0;  // charged from here
  std::uint64_t samples = 0;
  std::uint32_t pid = 0;
  std::string comm;  // of the thread; untrusted bytes
  std::string cgroup;
  std::optional<std::string> container;
  std::vector<std::uint32_t> kernel;  // in Stacks::frames, innermost first
  std::vector<std::uint32_t> user;
  // The user stack ends after a frame or two, and not where a thread starts: the code keeps no frame
  // pointers, it seems.
  bool cut_short = false;
};

struct Stacks {
  std::vector<Stack> stacks;  // most pages first
  std::vector<Frame> frames;
  std::vector<Module> modules;
  std::uint64_t page_size_bytes = 4096;
  std::uint64_t pages = 0;            // of all stacks, those that found no room included
  std::uint64_t overflow_pages = 0;   // of more different stacks than are told apart
  std::uint64_t user_pages = 0;       // of those with a user stack
  std::uint64_t cut_short_pages = 0;  // … that is cut short
};

// The function, or where the place is: "[libc.so.6+0x2724a]". Not escaped.
std::string label_of(const Frame& frame, const Stacks& stacks);

// A stack by its addresses; whoever has the symbols makes frames of them.
struct RawStack {
  std::uint32_t memcg = 0;  // by its index
  Stack stack;              // without frames
  std::vector<std::uint64_t> kernel;
  std::vector<std::uint64_t> user;
};
struct RawStacks {
  std::vector<RawStack> stacks;  // most pages first
  std::uint64_t pages = 0;
  std::uint64_t overflow_pages = 0;
};

}  // namespace memspike::report
