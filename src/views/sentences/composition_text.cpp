#include "views/sentences/composition_text.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

namespace memspike::views {
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

std::string parts_text(const composition::Growth& growth, std::uint64_t height_bytes, const Page& page) {
  std::string text;
  for (const Part& part : telling_parts(growth, height_bytes)) {
    text += fmt::format("{}{} {}{}", text.empty() ? "" : ", ", part.name, part.bytes < 0 ? "-" : "+",
                        page.bytes(magnitude(part.bytes)));
  }
  return text;
}

}  // namespace

std::string composition_text(const report::Burst& burst, const Page& page) {
  if (!burst.makeup) return "";
  const composition::Growth& grown = burst.makeup->grown;
  std::string text = parts_text(grown, burst.height_bytes(), page);
  if (text.empty()) text = "nothing that memory.stat tells apart";
  const bool killed = burst.outcome == spike::Outcome::oom_kill;
  const std::uint64_t end_ns = killed ? burst.end_ns : burst.high_begin_ns + burst.crest_ns;
  return fmt::format("{} (memory.stat, read {} and {})", text,
                     when(grown.from_ns, burst.rise_begin.time_ns, "rise", page),
                     when(grown.to_ns, end_ns, killed ? "kill" : "end of the crest", page));
}

std::string shifted_text(const report::Burst& burst, const Page& page) {
  if (!burst.makeup || !burst.makeup->shift) return "";
  const std::string text = parts_text(*burst.makeup->shift, burst.height_bytes(), page);
  return text.empty() ? "" : fmt::format("{} while it stood there (memory.stat)", text);
}

std::string allocated_text(const report::Burst& burst, const Page& page) {
  if (!burst.allocated) return "";
  return fmt::format("user pages {}, kernel {}, other {} (by gfp flags)",
                     page.bytes(burst.allocated->user_bytes), page.bytes(burst.allocated->kernel_bytes),
                     page.bytes(burst.allocated->other_bytes));
}

}  // namespace memspike::views
