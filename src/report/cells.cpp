#include "report/cells.h"

#include <fmt/core.h>

#include <algorithm>

namespace memspike::report {
namespace {

std::string unglued(std::string text) {
  std::replace(text.begin(), text.end(), kGlue, ' ');
  return text;
}

}  // namespace

void heading(Page& page, std::string_view title, std::string_view remark) {
  page.line();
  std::string text(kIndent, ' ');
  text += paint(title, Tone::strong, page.style());
  if (!remark.empty()) text += paint(fmt::format("  {}", remark), Tone::faint, page.style());
  page.raw(text + '\n');
}

void and_more(Page& page, std::string_view text) {
  page.fact("", fmt::format("{} {}", page.glyph().ellipsis, text), Tone::faint);
}

std::string cell_bytes(const Page& page, std::uint64_t value) { return unglued(page.bytes(value)); }
std::string cell_duration(const Page& page, std::uint64_t ns) { return unglued(page.duration(ns)); }
std::string cell_time(const Page& page, std::uint64_t monotonic_ns) {
  return unglued(page.time(monotonic_ns));
}

}  // namespace memspike::report
