#include "views/html/html.h"

#include <string>

#include "views/html/escape_html.h"
#include "views/html/page_data.h"
#include "views/html/timeline_codec.h"
#include "views/sentences/summary.h"
#include "views/text/text.h"

namespace memspike::views {
namespace {

// A page for people of today: Unicode, no terminal's colours, room enough.
constexpr TextStyle kStyle{false, true, 100};

Result<void> write_timelines(const std::vector<report::Subject>& subjects, const Sink& sink) {
  for (std::size_t i = 0; i < subjects.size(); ++i) {
    const auto& members = subjects[i].members;
    for (std::size_t life = 0; life < members.size(); ++life) {
      if (members[life]->timeline.empty()) continue;
      const std::string id = html::timeline_id(i, life);
      if (auto head = sink("<script type=\"text/plain\" id=\"" + id + "\">"); !head) return head;
      if (auto rows = html::write_base64(members[life]->timeline, sink); !rows) return rows;
      if (auto tail = sink("</script>\n"); !tail) return tail;
    }
  }
  return {};
}

Result<void> write_slot(Slot slot, const report::Report& report, const std::vector<report::Subject>& subjects,
                        const Sink& sink) {
  switch (slot) {
    case Slot::none:
      return {};
    case Slot::title:
      return sink(html::escape_html(target_name(report, Page(report, kStyle))));
    case Slot::text:
      return sink(html::escape_html(render_text(report, kStyle)));
    case Slot::data:
      return html::write_page_data(report, subjects, Page(report, kStyle), html::json_in_html(sink));
    case Slot::timelines:
      return write_timelines(subjects, sink);
  }
  return {};
}

}  // namespace

Result<void> render_html(const report::Report& report, const Sink& sink, std::span<const Piece> page) {
  const std::vector<report::Subject> subjects = report::subjects_of(report);
  for (const Piece& piece : page) {
    if (auto written = sink(piece.text); !written) return written;
    if (auto written = write_slot(piece.slot, report, subjects, sink); !written) return written;
  }
  return {};
}

Result<void> render_html(const report::Report& report, const Sink& sink) {
  return render_html(report, sink, built_in_page());
}

}  // namespace memspike::views
