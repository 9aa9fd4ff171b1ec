#include <fmt/core.h>

#include <algorithm>
#include <string>

#include "report/cells.h"
#include "report/chart.h"
#include "report/labels.h"
#include "report/pictures.h"

namespace memspike::report {
namespace {

using timeline::UsageAt;

constexpr std::size_t kRows = 5;

std::string micros_text(std::uint64_t ns, const Page& page) {
  return fmt::format("{}{}{}s", grouped((ns + 500) / 1000), kGlue, page.glyph().micro);
}

View whole(const LastSecond& last, std::uint64_t kill_ns) {
  View view;
  view.first_ns = last.timeline.front().time_ns;
  view.last_ns = kill_ns;
  view.limit_bytes = last.limit_bytes;
  return view;
}

// The rise must be seen: the picture begins as long before it as it took, but shows no more of a
// long wait at the limit than that asks for.
View view_of(const LastSecond& last, std::uint64_t kill_ns) {
  View view = whole(last, kill_ns);
  if (last.baseline && kill_ns > last.baseline->time_ns) {
    const std::uint64_t rise_ns = last.crest->time_ns - last.baseline->time_ns;
    const std::uint64_t before_ns = std::max(rise_ns, (kill_ns - last.baseline->time_ns) / 4);
    const std::uint64_t since_ns = last.baseline->time_ns - view.first_ns;
    view.first_ns += since_ns > before_ns ? since_ns - before_ns : 0;
    view.marked_bytes = last.baseline->usage_bytes;
  }
  view.min_bytes = last.timeline.back().usage_bytes;
  for (const UsageAt& row : last.timeline) {
    view.max_bytes = std::max(view.max_bytes, row.usage_bytes);
    if (row.time_ns >= view.first_ns) view.min_bytes = std::min(view.min_bytes, row.usage_bytes);
  }
  return view;
}

void draw(Chart& chart, const LastSecond& last, std::uint64_t kill_ns) {
  for (std::size_t i = 0; i < last.timeline.size(); ++i) {
    const UsageAt& row = last.timeline[i];
    const UsageAt next =
        i + 1 < last.timeline.size() ? last.timeline[i + 1] : UsageAt{kill_ns, row.usage_bytes};
    chart.add(row.time_ns, next.time_ns, row.usage_bytes, row.usage_bytes);
    chart.add(next.time_ns, next.time_ns, std::min(row.usage_bytes, next.usage_bytes),
              std::max(row.usage_bytes, next.usage_bytes));
  }
}

std::string sentence(const LastSecond& last, std::uint64_t kill_ns, const Page& page) {
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

std::string title_of(const LastSecond& last, const Page& page) {
  if (last.window_ns == timeline::Recent::kWindowNs) return "the last second";
  return "the last " + cell_duration(page, last.window_ns);
}

std::string remark_of(const Subject& subject, std::size_t kill, const Report& report, const Page& page) {
  std::string text = subject.memcg.oom_kills.size() > 1 ? "before the last kill" : "before the kill";
  const std::string& path = subject.memcg.oom_kills[kill].last_second->path;
  if (path != subject.kill_cgroups[kill]) {
    text += fmt::format(", of {}", limit_owner(path, report, page));
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

void write_last_second(Page& page, const Subject& subject, const Report& report) {
  const auto& kills = subject.memcg.oom_kills;
  if (kills.empty()) return;
  const std::size_t index = kills.size() - 1;
  const OomKill& kill = kills[index];
  if (!kill.last_second || kill.last_second->timeline.empty()) return;
  const LastSecond& last = *kill.last_second;
  heading(page, title_of(last, page), remark_of(subject, index, report, page));
  page.fact("", sentence(last, kill.time_ns, page));
  const View view = view_of(last, kill.time_ns);
  if (view.last_ns <= view.first_ns || view.max_bytes == 0) return;
  Chart chart(page, view, kRows);
  draw(chart, last, kill.time_ns);
  chart.mark_kill(kill.time_ns);
  const std::uint64_t span_ns = view.last_ns - view.first_ns;
  const auto before = [&](std::uint64_t ns) { return "-" + cell_duration(page, ns); };
  chart.write(page, before(span_ns), before(span_ns / 2), axis_time(page, kill.time_ns, span_ns));
}

}  // namespace memspike::report
