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
#include "report/stack_section.h"
#include "report/subject.h"
#include "report/summary.h"
#include "report/table.h"

namespace memspike::report {
namespace {

constexpr std::size_t kMaxSections = 10;
constexpr std::size_t kMaxQuiet = 10;

using Subjects = std::vector<const Subject*>;

void write_title(Page& page, const Report& report) {
  page.paragraph("memspike  ", target_name(report, page), Tone::strong, Tone::strong);
  page.paragraph("          ", when_and_what(report, page), Tone::plain, Tone::faint);
  page.line();
}

std::string mark_of(Tone tone, const Page& page) {
  const std::string_view mark = tone == Tone::alarm  ? page.glyph().alarm
                                : tone == Tone::warn ? page.glyph().warn
                                                     : page.glyph().calm;
  return fmt::format("{} ", mark);
}

// Bad news stands out; the glyph says the same without colour.
void write_headlines(Page& page, const std::vector<Headline>& headlines) {
  for (const Headline& headline : headlines) {
    const bool told = headline.tone == Tone::faint || headline.tone == Tone::good;
    const Tone text = told || headline.tone == Tone::plain ? headline.tone : Tone::strong;
    page.paragraph(headline.tone == Tone::faint ? "  " : mark_of(headline.tone, page), headline.text,
                   headline.tone, text);
    if (!headline.remark.empty()) page.paragraph("  ", headline.remark, Tone::plain);
  }
  page.line();
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
  write_headlines(page, headlines_of(report, subjects, page));
  for (std::size_t i = 0; i < sections; ++i) write_section(page, *interesting[i], report);

  write_stacks(page, report);
  Subjects rest(interesting.begin() + static_cast<std::ptrdiff_t>(sections), interesting.end());
  for (const Subject& subject : subjects) {
    if (!subject.interesting()) rest.push_back(&subject);
  }
  write_quiet(page, report, rest, interesting.empty() ? "what was watched" : "the rest");
  write_footer(page, report);
  return page.take();
}

}  // namespace memspike::report
