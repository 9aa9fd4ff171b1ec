// A page of text under way: what the parts of the text report share.
#pragma once

#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "report/report.h"
#include "views/kit/style.h"

namespace memspike::views {

// "label   text": a sentence, and what it is about. Glued; whoever shows it lays it out.
struct Labelled {
  std::string label;
  std::string text;
  Tone tone = Tone::plain;
};
using Facts = std::vector<Labelled>;

inline void append(Facts& facts, Facts more) {
  facts.insert(facts.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

class Page {
 public:
  Page(const report::Report& report, const TextStyle& style);

  const TextStyle& style() const { return style_; }
  const Glyphs& glyph() const { return *glyphs_; }

  // Values as people read them, their number glued to their unit.
  std::string bytes(std::uint64_t value) const;
  std::string duration(std::uint64_t ns) const;
  // "03:40:13.123456" UTC of a CLOCK_MONOTONIC time; with month and day when the
  // recording crosses midnight; with fewer digits on a narrow page.
  std::string time(std::uint64_t monotonic_ns) const;
  std::string escape(std::string_view untrusted) const;
  // " · "
  std::string separator() const;

  void line(std::string_view text = {}, Tone tone = Tone::plain);
  // Text filled into lines that start with `first`, then as many spaces.
  void paragraph(std::string_view first, std::string_view text, Tone first_tone, Tone tone = Tone::plain);
  // "  label   text…", the text wrapped beside its label.
  void fact(std::string_view label, std::string_view text, Tone tone = Tone::plain);
  void facts(const Facts& facts) {
    for (const Labelled& each : facts) fact(each.label, each.text, each.tone);
  }
  // "── title ─────────"
  void rule(std::string_view title, Tone tone);
  void raw(std::string_view text) { out_ += text; }

  std::string take() { return std::move(out_); }

 private:
  const report::Report& report_;
  TextStyle style_;
  const Glyphs* glyphs_;
  bool days_ = false;
  std::string out_;
};

// Spaces before everything inside a section.
inline constexpr std::size_t kIndent = 2;

}  // namespace memspike::views
