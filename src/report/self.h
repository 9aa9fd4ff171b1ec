// What memspike itself cost while it recorded, by its own measuring.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace memspike::report {

class JsonWriter;
class Page;

// A BPF program of memspike's, by the kernel's own clock (kernel.bpf_stats).
struct ProgramRuns {
  std::string program;
  std::uint64_t runs = 0;  // anywhere on the node, in the target or not
  std::uint64_t ns = 0;    // of all runs together
};

struct Self {
  std::uint64_t duration_ns = 0;      // since the recording began
  std::uint64_t cpu_ns = 0;           // of the process in that time, in user space and in the kernel
  std::uint64_t peak_rss_bytes = 0;   // since the process began
  std::vector<ProgramRuns> programs;  // with --self: those that ran, most time first
};

// A run's mean over all programs; nothing where none was measured.
std::optional<std::uint64_t> ns_per_event(const Self& self);

void write_self(Page& page, const Self& self);
void write_self(JsonWriter& json, const std::optional<Self>& self);

}  // namespace memspike::report
