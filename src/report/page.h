// A page of text under way: what the parts of the text report share.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "report/report.h"
#include "report/style.h"

namespace memspike::report {

// "label   text", as fact() was told it.
struct Labelled {
  std::string label;
  std::string text;
  Tone tone = Tone::plain;
};

class Page {
 public:
  Page(const Report& report, const TextStyle& style);

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
  // "── title ─────────"
  void rule(std::string_view title, Tone tone);
  void raw(std::string_view text) { out_ += text; }

  std::string take() { return std::move(out_); }
  // The facts alone, unwrapped, for pages that lay them out themselves.
  std::vector<Labelled> take_facts() { return std::move(facts_); }

 private:
  const Report& report_;
  TextStyle style_;
  const Glyphs* glyphs_;
  bool days_ = false;
  std::string out_;
  std::vector<Labelled> facts_;
};

// Spaces before everything inside a section.
inline constexpr std::size_t kIndent = 2;

}  // namespace memspike::report
