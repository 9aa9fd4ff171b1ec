#include "views/kit/page.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/units.h"
#include "base/utf8.h"
#include "views/kit/escape.h"

namespace memspike::views {
namespace {

constexpr unsigned kMinColumns = 40;
constexpr unsigned kNarrowColumns = 80;
constexpr std::size_t kLabelColumns = 8;

std::string glued(std::string text) {
  std::replace(text.begin(), text.end(), ' ', kGlue);
  return text;
}

}  // namespace

Page::Page(const report::Report& report, const TextStyle& style)
    : report_(report), style_(style), glyphs_(&glyphs(style)) {
  style_.columns = std::max(style.columns, kMinColumns);
  const facts::Session& session = report.session;
  const auto day_at = [&](std::uint64_t monotonic_ns) {
    return format_utc(report.to_realtime_ns(monotonic_ns)).substr(0, 10);
  };
  const std::uint64_t start_ns = session.start_monotonic_ns;
  days_ = day_at(start_ns) != day_at(start_ns + session.duration_ns);
  for (const ClockOffset& step : session.clock_steps) days_ |= day_at(start_ns) != day_at(step.monotonic_ns);
}

std::string Page::bytes(std::uint64_t value) const { return glued(format_bytes(value)); }

std::string Page::duration(std::uint64_t ns) const { return glued(format_duration(ns, glyphs_->micro)); }

std::string Page::time(std::uint64_t monotonic_ns) const {
  const std::string utc = format_utc(report_.to_realtime_ns(monotonic_ns));
  const std::size_t digits = style_.columns >= kNarrowColumns ? 15 : days_ ? 8 : 12;
  const std::string clock = utc.substr(11, digits);
  return days_ ? utc.substr(5, 5) + kGlue + clock : clock;
}

std::string Page::escape(std::string_view untrusted) const {
  if (untrusted.empty()) return "\"\"";
  return escape_terminal(untrusted, style_.utf8);
}

std::string Page::separator() const { return fmt::format("{}{} ", kGlue, glyphs_->dot); }

void Page::line(std::string_view text, Tone tone) {
  out_ += paint(text, tone, style_);
  out_ += '\n';
}

void Page::paragraph(std::string_view first, std::string_view text, Tone first_tone, Tone tone) {
  const std::size_t hanging = display_width(first);
  const std::size_t room = style_.columns > hanging ? style_.columns - hanging : 1;
  bool at_first = true;
  for (const std::string& filled : wrap(text, room)) {
    out_ += at_first ? paint(first, first_tone, style_) : std::string(hanging, ' ');
    line(filled, tone);
    at_first = false;
  }
}

void Page::fact(std::string_view label, std::string_view text, Tone tone) {
  const std::size_t used = display_width(label);
  std::string first(kIndent, ' ');
  first += label;
  first.append(used < kLabelColumns ? kLabelColumns - used : 1, ' ');
  paragraph(first, text, Tone::faint, tone);
}

void Page::rule(std::string_view title, Tone tone) {
  const std::string shown = truncate_middle(title, style_.columns - 6, style_.utf8);
  const std::size_t used = 4 + display_width(shown);
  out_ += paint(repeat(glyphs_->rule, 2), Tone::faint, style_);
  out_ += ' ' + paint(shown, tone, style_) + ' ';
  line(repeat(glyphs_->rule, style_.columns - used), Tone::faint);
}

}  // namespace memspike::views
