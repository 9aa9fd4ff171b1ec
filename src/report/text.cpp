#include "report/text.h"

#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "base/units.h"
#include "report/blind_spot.h"
#include "report/footer.h"
#include "report/headline.h"
#include "report/labels.h"
#include "report/page.h"
#include "report/section.h"
#include "report/subject.h"
#include "report/table.h"

namespace memspike::report {
namespace {

// A pod of hundreds of nameless containers must not bury the first screen.
constexpr std::size_t kMaxHeadlines = 10;
constexpr std::size_t kMaxSections = 10;
constexpr std::size_t kMaxQuiet = 10;

using Subjects = std::vector<const Subject*>;

std::string target_name(const Report& report, const Page& page) {
  const Target& target = report.target;
  if (!target.pod) return page.escape(target.description);
  const std::string name_space = target.namespace_name ? page.escape(*target.namespace_name) + "/" : "";
  const std::string qos = target.qos ? fmt::format(" ({})", page.escape(*target.qos)) : "";
  return fmt::format("pod {}{}{}", name_space, page.escape(*target.pod), qos);
}

void write_title(Page& page, const Report& report) {
  page.paragraph("memspike  ", target_name(report, page), Tone::strong, Tone::strong);
  const std::string utc = format_utc(report.session.start_realtime_ns);
  std::string text = fmt::format("from {} {} UTC, for {}", utc.substr(0, 10), utc.substr(11, 8),
                                 page.duration(report.session.duration_ns));
  if (report.target.pod_uid)
    text += fmt::format("{}uid {}", page.separator(), page.escape(*report.target.pod_uid));
  page.paragraph("          ", text, Tone::plain, Tone::faint);
  page.line();
}

std::string mark_of(Tone tone, const Page& page) {
  const std::string_view mark = tone == Tone::alarm  ? page.glyph().alarm
                                : tone == Tone::warn ? page.glyph().warn
                                                     : page.glyph().calm;
  return fmt::format("{} ", mark);
}

// Nothing happened: say what that means.
std::string calm_headline(const Report& report, const std::vector<Subject>& subjects, const Page& page) {
  if (subjects.empty()) return "nothing to report: the target had no memory cgroup while memspike watched";
  std::uint64_t peak_bytes = 0;
  for (const Subject& subject : subjects) peak_bytes = std::max(peak_bytes, subject.memcg.usage.peak_bytes);
  const bool silent = std::none_of(report.events.begin(), report.events.end(), [](const Counter& counter) {
    return counter.first == "samples" && counter.second > 0;
  });
  const std::string threshold = page.bytes(report.session.min_prominence_bytes);
  if (silent && peak_bytes == 0) return "nothing to report: no memory was charged while memspike watched";
  if (silent) return fmt::format("nothing to report: usage stayed at {}", page.bytes(peak_bytes));
  return fmt::format("all quiet: no spike of {} or more, no OOM kill; usage peaked at {}", threshold,
                     page.bytes(peak_bytes));
}

void write_headlines(Page& page, const Report& report, const std::vector<Subject>& subjects,
                     const Subjects& interesting) {
  for (std::size_t i = 0; i < std::min(interesting.size(), kMaxHeadlines); ++i) {
    const Tone tone = tone_of(*interesting[i]);
    page.paragraph(mark_of(tone, page), headline_of(*interesting[i], report, page), tone,
                   tone == Tone::plain ? Tone::plain : Tone::strong);
    const std::string blind = blind_sentence(*interesting[i], page);
    if (!blind.empty()) page.paragraph("  ", blind, Tone::plain);
  }
  if (interesting.size() > kMaxHeadlines) {
    page.paragraph("  ",
                   fmt::format("{} and {} more", page.glyph().ellipsis, interesting.size() - kMaxHeadlines),
                   Tone::plain, Tone::faint);
  }
  if (interesting.empty()) {
    page.paragraph(mark_of(Tone::good, page), calm_headline(report, subjects, page), Tone::good);
  }
  if (const std::uint64_t lost = records_lost(report); lost > 0) {
    page.paragraph(
        mark_of(Tone::warn, page),
        fmt::format("{} lost: see the end of this report", counted(lost, "record was", "records were")),
        Tone::warn, Tone::warn);
  }
  page.line();
}

// In order of importance: killed first, then in the report's order.
Subjects interesting_of(const std::vector<Subject>& subjects) {
  Subjects chosen;
  for (const Subject& subject : subjects) {
    if (subject.interesting()) chosen.push_back(&subject);
  }
  std::stable_sort(chosen.begin(), chosen.end(),
                   [](const Subject* a, const Subject* b) { return a->killed() > b->killed(); });
  return chosen;
}

std::string remark_on(const Subject& subject) {
  if (subject.echoes_child) {
    return subject.memcg.role == Role::pod ? "its spikes are its containers'"
                                           : "its spikes are its children's";
  }
  if (subject.interesting()) return "spiked, too";
  return subject.lives > 1 ? fmt::format("no spikes, {} lives", subject.lives) : "no spikes";
}

// The kernel's own peaks beside ours, in a cell.
Cell kernel_cell(const Subject& subject, const Page& page) {
  if (subject.peaks.empty()) return {std::string(page.glyph().none), Tone::faint};
  for (const PeakPair& pair : subject.peaks) {
    if (pair.ours_bytes != pair.kernel_bytes) return {format_bytes(pair.kernel_bytes), Tone::warn};
  }
  return {"equal", Tone::good};
}

void write_quiet(Page& page, const Report& report, const Subjects& quiet, std::string_view title) {
  if (quiet.empty()) return;
  page.rule(title, Tone::strong);
  Table table({{"", Align::left, 0, 20},
               {"last", Align::right, 3},
               {"peak", Align::right},
               {"kernel's", Align::right, 1},
               {"limit", Align::right},
               {"", Align::left, 2}});
  for (std::size_t i = 0; i < std::min(quiet.size(), kMaxQuiet); ++i) {
    const Memcg& memcg = quiet[i]->memcg;
    table.add_row({label_of(*quiet[i], report, page),
                   format_bytes(memcg.usage.last_bytes),
                   format_bytes(memcg.usage.peak_bytes),
                   kernel_cell(*quiet[i], page),
                   memcg.limit_bytes ? format_bytes(*memcg.limit_bytes) : "none",
                   {remark_on(*quiet[i]), Tone::faint}});
  }
  page.raw(table.render(page.style(), kIndent));
  if (quiet.size() > kMaxQuiet) {
    page.fact("", fmt::format("{} and {} more", page.glyph().ellipsis, quiet.size() - kMaxQuiet),
              Tone::faint);
  }
  page.line();
}

}  // namespace

std::string render_text(const Report& report, const TextStyle& style) {
  Page page(report, style);
  const std::vector<Subject> subjects = subjects_of(report);
  const Subjects interesting = interesting_of(subjects);
  const std::size_t sections = std::min(interesting.size(), kMaxSections);
  write_title(page, report);
  write_headlines(page, report, subjects, interesting);
  for (std::size_t i = 0; i < sections; ++i) write_section(page, *interesting[i], report);

  Subjects rest(interesting.begin() + static_cast<std::ptrdiff_t>(sections), interesting.end());
  for (const Subject& subject : subjects) {
    if (!subject.interesting()) rest.push_back(&subject);
  }
  write_quiet(page, report, rest, interesting.empty() ? "what was watched" : "the rest");
  write_footer(page, report);
  return page.take();
}

}  // namespace memspike::report
