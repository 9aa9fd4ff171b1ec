#include "views/text/text.h"

#include <fmt/core.h>

#include <algorithm>
#include <vector>

#include "base/units.h"
#include "report/subject.h"
#include "views/kit/page.h"
#include "views/kit/table.h"
#include "views/sentences/blind_spot.h"
#include "views/sentences/footer.h"
#include "views/sentences/headline.h"
#include "views/sentences/labels.h"
#include "views/sentences/summary.h"
#include "views/text/section.h"
#include "views/text/short.h"
#include "views/text/stack_section.h"

namespace memspike::views {
namespace {

constexpr std::size_t kMaxSections = 10;
constexpr std::size_t kMaxQuiet = 10;
constexpr std::size_t kMaxShortSections = 3;
constexpr std::size_t kMaxShortQuiet = 5;

using Subjects = std::vector<const report::Subject*>;

void write_title(Page& page, const report::Report& report) {
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
Cell kernel_cell(const report::Subject& subject, const Page& page) {
  if (subject.peaks.empty()) return {std::string(page.glyph().none), Tone::faint};
  for (const report::PeakPair& pair : subject.peaks) {
    if (pair.ours_bytes != pair.kernel_bytes) return {format_bytes(pair.kernel_bytes), Tone::warn};
  }
  return {"equal", Tone::good};
}

void write_quiet(Page& page, const report::Report& report, const Subjects& quiet, std::string_view title,
                 std::size_t most) {
  if (quiet.empty()) return;
  page.rule(title, Tone::strong);
  Table table({{"", Align::left, 0, 20},
               {"last", Align::right, 3},
               {"peak", Align::right},
               {"kernel's", Align::right, 1},
               {"limit", Align::right},
               {"", Align::left, 2}});
  for (std::size_t i = 0; i < std::min(quiet.size(), most); ++i) {
    const report::Memcg& memcg = quiet[i]->memcg;
    table.add_row({label_of(*quiet[i], report, page),
                   format_bytes(memcg.usage.last_bytes),
                   format_bytes(memcg.usage.peak_bytes),
                   kernel_cell(*quiet[i], page),
                   memcg.limit_bytes ? format_bytes(*memcg.limit_bytes) : "none",
                   {remark_on(*quiet[i], page), Tone::faint}});
  }
  page.raw(table.render(page.style(), kIndent));
  if (quiet.size() > most) {
    page.fact("", fmt::format("{} and {} more", page.glyph().ellipsis, quiet.size() - most), Tone::faint);
  }
  page.line();
}

void write_top(Page& page, const report::Report& report, const std::vector<report::Subject>& subjects) {
  write_title(page, report);
  write_headlines(page, headlines_of(report, subjects, page));
}

Subjects rest_of(const std::vector<report::Subject>& subjects, const Subjects& interesting,
                 std::size_t shown) {
  Subjects rest(interesting.begin() + static_cast<std::ptrdiff_t>(shown), interesting.end());
  for (const report::Subject& subject : subjects) {
    if (!subject.interesting()) rest.push_back(&subject);
  }
  return rest;
}

bool has_section(const TextParts& wanted) {
  for (const auto& [name, part] : kTextParts) {
    const bool is_of_all = part == TextPart::stacks || part == TextPart::rest || part == TextPart::recording;
    if (!is_of_all && wanted.has(part)) return true;
  }
  return false;
}

}  // namespace

std::string render_text(const report::Report& report, const TextStyle& style, const TextParts& wanted) {
  Page page(report, style);
  const std::vector<report::Subject> subjects = subjects_of(report);
  const Subjects interesting = interesting_of(subjects);
  const std::size_t sections = std::min(interesting.size(), kMaxSections);
  write_top(page, report, subjects);
  for (std::size_t i = 0; i < sections && has_section(wanted); ++i) {
    write_section(page, *interesting[i], report, wanted);
  }
  if (wanted.has(TextPart::stacks)) write_stacks(page, report);
  if (wanted.has(TextPart::rest)) {
    write_quiet(page, report, rest_of(subjects, interesting, sections),
                interesting.empty() ? "what was watched" : "the rest", kMaxQuiet);
  }
  if (wanted.has(TextPart::recording)) {
    page.rule("how it was recorded", Tone::strong);
    page.facts(footer_facts(report, page));
  }
  return page.take();
}

std::string render_short(const report::Report& report, const TextStyle& style) {
  Page page(report, style);
  const std::vector<report::Subject> subjects = subjects_of(report);
  const Subjects interesting = interesting_of(subjects);
  const std::size_t sections = std::min(interesting.size(), kMaxShortSections);
  write_top(page, report, subjects);
  for (std::size_t i = 0; i < sections; ++i) {
    write_short_section(page, *interesting[i], report);
  }
  write_stacks(page, report);
  // With one section only, the rest is there to be asked for.
  if (interesting.size() != 1) {
    write_quiet(page, report, rest_of(subjects, interesting, sections),
                interesting.empty() ? "what was watched" : "the rest", kMaxShortQuiet);
  }
  write_sure(page, report, subjects);
  return page.take();
}

}  // namespace memspike::views
