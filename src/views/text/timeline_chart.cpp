#include <fmt/core.h>

#include <algorithm>
#include <string>

#include "views/kit/cells.h"
#include "views/kit/chart.h"
#include "views/text/pictures.h"

namespace memspike::views {
namespace {

using timeline::Overview;

constexpr std::size_t kRows = 6;

View view_of(const report::Subject& subject) {
  View view;
  view.first_ns = subject.overviews.front()->start_ns();
  view.min_bytes = subject.overviews.front()->buckets().front().min_bytes;
  for (const Overview* overview : subject.overviews) {
    view.first_ns = std::min(view.first_ns, overview->start_ns());
    view.last_ns = std::max(view.last_ns, overview->last_ns());
    for (const Overview::Bucket& bucket : overview->buckets()) {
      view.min_bytes = std::min(view.min_bytes, bucket.min_bytes);
      view.max_bytes = std::max(view.max_bytes, bucket.max_bytes);
    }
  }
  view.limit_bytes = subject.memcg.limit_bytes;
  view.marked_bytes = subject.memcg.usage.typical_bytes;
  return view;
}

void draw(Chart& chart, const Overview& overview) {
  std::uint64_t from_ns = overview.start_ns();
  for (const Overview::Bucket& bucket : overview.buckets()) {
    // A bucket ends where the next one begins; the last one where the timeline does.
    const std::uint64_t to_ns = std::min(from_ns + overview.width_ns() - 1, overview.last_ns());
    chart.add(from_ns, to_ns, bucket.min_bytes, bucket.max_bytes);
    from_ns += overview.width_ns();
  }
}

}  // namespace

void write_timeline(Page& page, const report::Subject& subject) {
  if (subject.overviews.empty()) return;
  const View view = view_of(subject);
  if (view.last_ns <= view.first_ns || view.max_bytes == 0) return;
  Chart chart(page, view, kRows);
  for (const Overview* overview : subject.overviews) draw(chart, *overview);
  const auto& kills = subject.memcg.oom_kills;
  for (const report::OomKill& kill : kills) chart.mark_kill(kill.time_ns);
  std::string remark = "lowest and highest at each time";
  if (!kills.empty()) remark += fmt::format("; {} OOM kill", page.glyph().alarm);
  if (view.limit_bytes && !chart.shows_limit()) remark += "; the limit is far above";
  heading(page, "usage over time", remark);
  const std::uint64_t span_ns = view.last_ns - view.first_ns;
  chart.write(page, axis_time(page, view.first_ns, span_ns),
              axis_time(page, view.first_ns + span_ns / 2, span_ns), axis_time(page, view.last_ns, span_ns));
}

}  // namespace memspike::views
