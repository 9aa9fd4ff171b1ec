#include "views/kit/style.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/utf8.h"

namespace memspike::views {
namespace {

constexpr Glyphs kUnicode{"µ", "·", "–", "–", "…", "─", "⋮", "✖", "▲", "●", "│", "┤", "└"};
constexpr Glyphs kAscii{"u", "|", "-", "-", "...", "-", ":", "X", "!", "*", "|", "+", "+"};

// The basic eight colours and attributes: every terminal has them, and its owner chose how they look.
std::string_view sgr(Tone tone) {
  switch (tone) {
    case Tone::plain:
      return "";
    case Tone::strong:
      return "\x1b[1m";
    case Tone::faint:
      return "\x1b[2m";
    case Tone::good:
      return "\x1b[32m";
    case Tone::warn:
      return "\x1b[33m";
    case Tone::alarm:
      return "\x1b[1;31m";
  }
  return "";
}

}  // namespace

std::string paint(std::string_view text, Tone tone, const TextStyle& style) {
  if (!style.color || tone == Tone::plain || text.empty()) return std::string(text);
  return fmt::format("{}{}\x1b[0m", sgr(tone), text);
}

const Glyphs& glyphs(const TextStyle& style) { return style.utf8 ? kUnicode : kAscii; }

std::string repeat(std::string_view glyph, std::size_t count) {
  std::string out;
  out.reserve(glyph.size() * count);
  for (std::size_t i = 0; i < count; ++i) out += glyph;
  return out;
}

std::string grouped(std::uint64_t number) {
  const std::string digits = std::to_string(number);
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

std::string times(std::uint64_t count) { return count == 1 ? "once" : grouped(count) + " times"; }

std::string counted(std::uint64_t count, std::string_view singular, std::string_view plural) {
  if (count == 1) return fmt::format("1 {}", singular);
  if (plural.empty()) return fmt::format("{} {}s", grouped(count), singular);
  return fmt::format("{} {}", grouped(count), plural);
}

namespace {

class Filler {
 public:
  Filler(std::size_t columns, std::size_t hanging) : columns_(columns), hanging_(hanging) {}

  void add(std::string_view word) {
    if (has_word_ && used_ + 1 + display_width(word) > columns_) next_line();
    while (!has_word_ && used_ + display_width(word) > columns_) {
      std::string_view piece = prefix_of_width(word, columns_ > used_ ? columns_ - used_ : 0);
      if (piece.empty()) break;  // not even one character fits: let it stand out
      // A path reads best when it is cut between its components.
      const std::size_t slash = piece.rfind('/');
      if (word.front() == '/' && slash > 0) piece = piece.substr(0, slash);
      line_ += piece;
      word.remove_prefix(piece.size());
      next_line();
    }
    if (has_word_) line_ += ' ', ++used_;
    line_ += word;
    used_ += display_width(word);
    has_word_ = true;
  }

  std::vector<std::string> finish() {
    if (has_word_ || lines_.empty()) lines_.push_back(std::move(line_));
    return std::move(lines_);
  }

 private:
  void next_line() {
    lines_.push_back(std::move(line_));
    line_.assign(hanging_, ' ');
    used_ = hanging_;
    has_word_ = false;
  }

  std::size_t columns_;
  std::size_t hanging_;
  std::vector<std::string> lines_;
  std::string line_;
  std::size_t used_ = 0;  // columns of line_
  bool has_word_ = false;
};

}  // namespace

std::vector<std::string> wrap(std::string_view text, std::size_t columns, std::size_t hanging) {
  Filler filler(columns, hanging);
  while (!text.empty()) {
    const std::size_t end = text.find(' ');
    std::string word(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    std::replace(word.begin(), word.end(), kGlue, ' ');
    if (!word.empty()) filler.add(word);
  }
  std::vector<std::string> lines = filler.finish();
  // A word that was cut may end with a space that was glued.
  for (std::string& line : lines) line.erase(line.find_last_not_of(' ') + 1);
  return lines;
}

}  // namespace memspike::views
