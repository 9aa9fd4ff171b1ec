#include "views/text/status.h"

#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "base/units.h"
#include "base/utf8.h"
#include "views/kit/escape.h"

namespace memspike::views {
namespace {

struct Part {
  std::string text;
  Tone tone = Tone::plain;
  int drop = 0;  // highest goes first; 0 stays
};

std::string clock(std::uint64_t ns) {
  const std::uint64_t seconds = ns / 1'000'000'000;
  if (seconds < 3600) return fmt::format("{:02}:{:02}", seconds / 60, seconds % 60);
  return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

// At most four digits: "850", "12.3k", "4.56M".
std::string rate(std::uint64_t count) {
  const double value = static_cast<double>(count);
  if (count < 1000) return std::to_string(count);
  if (value < 99.95e3) return fmt::format("{:.1f}k", value / 1e3);
  if (value < 999.5e3) return fmt::format("{:.0f}k", value / 1e3);
  return fmt::format("{:.2f}M", value / 1e6);
}

std::vector<Part> facts_of(const Status& status, bool utf8) {
  std::vector<Part> facts;
  facts.push_back({clock(status.elapsed_ns), Tone::faint, 2});
  facts.push_back({fmt::format("now {}", format_bytes(status.usage_bytes)), Tone::strong});
  facts.push_back({fmt::format("peak {}", format_bytes(status.peak_bytes)), Tone::plain, 1});
  if (status.limit_bytes) {
    facts.push_back({fmt::format("limit {}", format_bytes(*status.limit_bytes)), Tone::plain, 7});
  }
  facts.push_back({counted(status.bursts, "burst"), Tone::plain, status.bursts == 0 ? 5 : 3});
  facts.push_back({counted(status.kills, "kill"), status.kills == 0 ? Tone::plain : Tone::alarm,
                   status.kills == 0 ? 6 : 0});
  if (status.restarts > 0) facts.push_back({counted(status.restarts, "restart"), Tone::warn, 3});
  if (status.tightest) {
    facts.push_back({fmt::format("{} has {} left", escape_terminal(*status.tightest, utf8),
                                 format_bytes(status.tightest_headroom_bytes)),
                     Tone::plain, 4});
  }
  facts.push_back({fmt::format("{} samples/s", rate(status.samples_per_second)), Tone::faint, 8});
  facts.push_back({fmt::format("{} lost", grouped(status.lost)), status.lost == 0 ? Tone::faint : Tone::warn,
                   status.lost == 0 ? 4 : 0});
  return facts;
}

std::size_t width_of(const std::vector<Part>& facts) {
  std::size_t columns = 3 * (facts.size() - 1);
  for (const Part& fact : facts) columns += display_width(fact.text);
  return columns;
}

}  // namespace

std::string render_status(const Status& status, const TextStyle& style) {
  std::vector<Part> facts = facts_of(status, style.utf8);
  const auto least = [](const Part& a, const Part& b) { return a.drop < b.drop; };
  while (width_of(facts) > style.columns) {
    const auto out = std::max_element(facts.begin(), facts.end(), least);
    if (out->drop == 0) break;
    facts.erase(out);
  }
  const std::string separator = fmt::format(" {} ", glyphs(style).dot);
  std::string line;
  // What still does not fit is cut, uncoloured: sequences have no width to cut.
  const bool fits = width_of(facts) <= style.columns;
  for (const Part& fact : facts) {
    if (!line.empty()) line += fits ? paint(separator, Tone::faint, style) : separator;
    line += fits ? paint(fact.text, fact.tone, style) : fact.text;
  }
  return fits ? line : truncate_to_width(line, style.columns, style.utf8);
}

}  // namespace memspike::views
