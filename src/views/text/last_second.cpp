#include <fmt/core.h>

#include <algorithm>
#include <string>

#include "views/kit/cells.h"
#include "views/kit/chart.h"
#include "views/sentences/labels.h"
#include "views/sentences/last_second_text.h"
#include "views/text/pictures.h"

namespace memspike::views {
namespace {

using timeline::UsageAt;

constexpr std::size_t kPictureRows = 5;

View whole(const report::LastSecond& last, std::uint64_t kill_ns) {
  View view;
  view.first_ns = last.timeline.front().time_ns;
  view.last_ns = kill_ns;
  view.limit_bytes = last.limit_bytes;
  return view;
}

// The rise must be seen: the picture begins as long before it as it took, but shows no more of a
// long wait at the limit than that asks for.
View view_of(const report::LastSecond& last, std::uint64_t kill_ns) {
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

void draw(Chart& chart, const report::LastSecond& last, std::uint64_t kill_ns) {
  for (std::size_t i = 0; i < last.timeline.size(); ++i) {
    const UsageAt& row = last.timeline[i];
    const UsageAt next =
        i + 1 < last.timeline.size() ? last.timeline[i + 1] : UsageAt{kill_ns, row.usage_bytes};
    chart.add(row.time_ns, next.time_ns, row.usage_bytes, row.usage_bytes);
    chart.add(next.time_ns, next.time_ns, std::min(row.usage_bytes, next.usage_bytes),
              std::max(row.usage_bytes, next.usage_bytes));
  }
}

std::string title_of(const report::LastSecond& last, const Page& page) {
  if (last.window_ns == timeline::Recent::kWindowNs) return "the last second";
  return "the last " + cell_duration(page, last.window_ns);
}

std::string remark_of(const report::Subject& subject, std::size_t kill, const report::Report& report,
                      const Page& page) {
  std::string text = subject.memcg.oom_kills.size() > 1 ? "before the last kill" : "before the kill";
  const std::string& path = subject.memcg.oom_kills[kill].last_second->path;
  if (path != subject.kill_cgroups[kill]) {
    text += fmt::format(", of {}", limit_owner(path, report, page));
  }
  return text;
}

}  // namespace

void write_last_second(Page& page, const report::Subject& subject, const report::Report& report) {
  if (!has_last_second(subject)) return;
  const std::size_t index = subject.memcg.oom_kills.size() - 1;
  const report::OomKill& kill = subject.memcg.oom_kills[index];
  const report::LastSecond& last = *kill.last_second;
  heading(page, title_of(last, page), remark_of(subject, index, report, page));
  page.facts(last_second_facts(subject, page));
  const View view = view_of(last, kill.time_ns);
  if (view.last_ns <= view.first_ns || view.max_bytes == 0) return;
  Chart chart(page, view, kPictureRows);
  draw(chart, last, kill.time_ns);
  chart.mark_kill(kill.time_ns);
  const std::uint64_t span_ns = view.last_ns - view.first_ns;
  const auto before = [&](std::uint64_t ns) { return "-" + cell_duration(page, ns); };
  chart.write(page, before(span_ns), before(span_ns / 2), axis_time(page, kill.time_ns, span_ns));
}

}  // namespace memspike::views
