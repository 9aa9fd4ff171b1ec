#include "report/grown.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace memspike::report {
namespace {

struct Part {
  std::string_view name;
  std::int64_t bytes = 0;
};

std::uint64_t magnitude(std::int64_t bytes) {
  return bytes < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(bytes) : static_cast<std::uint64_t>(bytes);
}

// Those that matter, the largest first: less than a hundredth of the height does not.
std::vector<Part> telling_parts(const composition::Growth& growth, std::uint64_t height_bytes) {
  std::vector<Part> parts;
  const auto add = [&](std::string_view name, std::optional<std::int64_t> bytes) {
    if (bytes && *bytes != 0 && magnitude(*bytes) >= height_bytes / 100) parts.push_back({name, *bytes});
  };
  add("anon", growth.anon_bytes);
  add("page cache", growth.file_bytes);
  add("tmpfs and shared memory", growth.shmem_bytes);
  add("kernel", growth.kernel_bytes);
  add("sockets", growth.sock_bytes);
  std::stable_sort(parts.begin(), parts.end(),
                   [](const Part& a, const Part& b) { return magnitude(a.bytes) > magnitude(b.bytes); });
  return parts;
}

// "3.00 ms after the base"
std::string when(std::uint64_t read_ns, std::uint64_t event_ns, std::string_view event, const Page& page) {
  if (read_ns == event_ns) return fmt::format("at the {}", event);
  const bool after = read_ns > event_ns;
  return fmt::format("{} {} the {}", page.duration(after ? read_ns - event_ns : event_ns - read_ns),
                     after ? "after" : "before", event);
}

}  // namespace

std::string grown_text(const Spike& spike, const Page& page) {
  if (!spike.composition) return "";
  std::string text;
  for (const Part& part : telling_parts(*spike.composition, spike.prominence_bytes)) {
    text += fmt::format("{}{} {}{}", text.empty() ? "" : ", ", part.name, part.bytes < 0 ? "-" : "+",
                        page.bytes(magnitude(part.bytes)));
  }
  if (text.empty()) text = "nothing that memory.stat tells apart";
  return fmt::format("{} (memory.stat, read {} and {})", text,
                     when(spike.composition->from_ns, spike.left_base_ns, "base", page),
                     when(spike.composition->to_ns, spike.peak_ns, "peak", page));
}

std::string allocated_text(const Spike& spike, const Page& page) {
  if (!spike.allocated) return "";
  return fmt::format("user pages {}, kernel {}, other {} (by gfp flags)",
                     page.bytes(spike.allocated->user_bytes), page.bytes(spike.allocated->kernel_bytes),
                     page.bytes(spike.allocated->other_bytes));
}

}  // namespace memspike::report
