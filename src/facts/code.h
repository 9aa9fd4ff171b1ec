// Places in the code, and the stacks that lead there (--stacks). Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace memspike::facts {

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
      0;                  // in the terms of the module's own file; of the process, where that is not known
  std::string file = {};  // of its source, where debug information says it; untrusted bytes
  std::uint32_t line = 0;
  bool is_inlined = false;  // into the frame that follows
};

struct Stack {
  std::uint64_t pages = 0;  // charged from here
  std::uint64_t samples = 0;
  std::uint32_t pid = 0;
  std::string comm;  // of the thread; untrusted bytes
  std::string cgroup;
  std::optional<std::string> container;
  std::optional<std::string> pod;
  std::vector<std::uint32_t> kernel;  // in Stacks::frames, innermost first
  std::vector<std::uint32_t> user;
  // The user stack does not reach the place where its thread began: what called its last frame is not known.
  bool cut_short = false;
  // When it was seen; both 0: that is not known. What is from the same place at other times is another stack.
  std::uint64_t since_ns = 0;
  std::uint64_t until_ns = 0;
};

// Stacks with the code that they name.
struct NamedStacks {
  std::vector<Stack> stacks;  // most pages first
  std::vector<Frame> frames;
  std::vector<Module> modules;
};

// The function, or where the place is: "[libc.so.6+0x2724a]". Not escaped.
std::string label_of(const Frame& frame, const NamedStacks& stacks);

// How a user stack by address was found, and where it ends.
enum class Ending : std::uint8_t {
  frame_pointers,  // as far as they led
  whole,           // by unwind tables, to where the thread began
  cut,             // by unwind tables, as far as they knew
  leaf,            // of what frame pointers found only the innermost is sure
};

// A stack by its addresses; whoever has the symbols makes frames of them.
struct RawStack {
  std::uint32_t memcg = 0;  // by its index
  Stack stack;              // without frames
  std::vector<std::uint64_t> kernel;
  std::vector<std::uint64_t> user;
  Ending ending = Ending::frame_pointers;
};
struct RawStacks {
  std::vector<RawStack> stacks;  // most pages first
  std::uint64_t pages = 0;
  std::uint64_t overflow_pages = 0;
};

}  // namespace memspike::facts
