// What memspike itself has in the kernel.
#pragma once

#include <cstdint>
#include <string>

namespace memspike {

struct Hook {
  std::string event;   // "mm_page_alloc"
  std::string attach;  // "tp_btf", "fexit", "kprobe", "timer", …
};

// A BPF program of memspike's, by the kernel's own clock (kernel.bpf_stats).
struct ProgramRuns {
  std::string program;
  std::uint64_t runs = 0;  // anywhere on the node, in the target or not
  std::uint64_t ns = 0;    // of all runs together
};

}  // namespace memspike
