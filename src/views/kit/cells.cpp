#include "views/kit/cells.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/utf8.h"

namespace memspike::views {
namespace {

std::string unglued(std::string text) {
  std::replace(text.begin(), text.end(), kGlue, ' ');
  return text;
}

}  // namespace

void heading(Page& page, std::string_view title, std::string_view remark) {
  constexpr std::size_t kGap = 2;
  page.line();
  std::string text(kIndent, ' ');
  text += paint(title, Tone::strong, page.style());
  const bool fits = kIndent + display_width(title) + kGap + display_width(remark) <= page.style().columns;
  if (fits && !remark.empty()) text += paint(fmt::format("  {}", remark), Tone::faint, page.style());
  page.raw(text + '\n');
  if (!fits) page.fact("", remark, Tone::faint);
}

void and_more(Page& page, std::string_view text) {
  page.fact("", fmt::format("{} {}", page.glyph().ellipsis, text), Tone::faint);
}

std::string cell_bytes(const Page& page, std::uint64_t value) { return unglued(page.bytes(value)); }
std::string cell_duration(const Page& page, std::uint64_t ns) { return unglued(page.duration(ns)); }
std::string cell_time(const Page& page, std::uint64_t monotonic_ns) {
  return unglued(page.time(monotonic_ns));
}

std::string percent_share(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "";
  return fmt::format("{:.1f} %", static_cast<double>(part) * 100 / static_cast<double>(whole));
}

}  // namespace memspike::views
