#include "views/sentences/last_second_text.h"

#include <fmt/core.h>

#include <algorithm>

#include "views/sentences/labels.h"

namespace memspike::views {
namespace {

using timeline::UsageAt;

std::string micros_text(std::uint64_t ns, const Page& page) {
  return fmt::format("{}{}{}s", grouped((ns + 500) / 1000), kGlue, page.glyph().micro);
}

std::string sentence(const report::LastSecond& last, std::uint64_t kill_ns, const Page& page) {
  if (!last.baseline) {
    const auto [lowest, highest] =
        std::minmax_element(last.timeline.begin(), last.timeline.end(),
                            [](const UsageAt& a, const UsageAt& b) { return a.usage_bytes < b.usage_bytes; });
    return fmt::format("no rise in it: usage was between {} and {} all the time",
                       page.bytes(lowest->usage_bytes), page.bytes(highest->usage_bytes));
  }
  const std::string to = last.baseline_to_limit_ns
                             ? fmt::format("the limit of {}", page.bytes(*last.limit_bytes))
                             : page.bytes(last.crest->usage_bytes);
  std::string text = fmt::format("from {} to {} ", page.bytes(last.baseline->usage_bytes), to);
  if (last.slope_bytes_per_second) {
    text += fmt::format("in {}: {}{}MiB/s", micros_text(last.crest->time_ns - last.baseline->time_ns, page),
                        slope_mib(*last.slope_bytes_per_second), kGlue);
  } else {
    text += "from one look at the counter to the next";
  }
  if (kill_ns > last.crest->time_ns) {
    text += fmt::format("; the kill came {} later", page.duration(kill_ns - last.crest->time_ns));
  }
  return text;
}

}  // namespace

std::string slope_mib(std::uint64_t bytes_per_second) {
  const double mib = static_cast<double>(bytes_per_second) / 0x1p20;
  const int decimals = mib < 9.995 ? 2 : mib < 99.95 ? 1 : 0;
  if (decimals > 0) return fmt::format("{:.{}f}", mib, decimals);
  return grouped(static_cast<std::uint64_t>(mib + 0.5));
}

bool has_last_second(const report::Subject& subject) {
  const auto& kills = subject.memcg.oom_kills;
  return !kills.empty() && kills.back().last_second && !kills.back().last_second->timeline.empty();
}

Facts last_second_facts(const report::Subject& subject, const Page& page) {
  if (!has_last_second(subject)) return {};
  const report::OomKill& kill = subject.memcg.oom_kills.back();
  return {{"", sentence(*kill.last_second, kill.time_ns, page)}};
}

}  // namespace memspike::views
