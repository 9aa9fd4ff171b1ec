// How text looks on the terminal it is for: colour, glyphs, width.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace memspike::views {

struct TextStyle {
  bool color = false;          // SGR sequences allowed (the caller knows NO_COLOR and isatty)
  bool utf8 = true;            // glyphs outside ASCII allowed
  unsigned columns = 100;      // the width to stay within; at least 40 is assumed
  bool kernel_frames = false;  // of stacks, not only the way into the kernel
};

enum class Tone { plain, strong, faint, good, warn, alarm };

// The text in the tone's colour, or as it is without colour. Not for text that
// holds escape sequences of its own.
std::string paint(std::string_view text, Tone tone, const TextStyle& style);

// The signs used in text, in both alphabets.
struct Glyphs {
  std::string_view micro;     // before the s of microseconds
  std::string_view dot;       // between facts
  std::string_view dash;      // between the ends of a range
  std::string_view none;      // in an empty cell
  std::string_view ellipsis;  // something was left out
  std::string_view rule;      // one column of a horizontal line
  std::string_view skip;      // rows left out of a column
  std::string_view alarm;     // before bad news
  std::string_view warn;
  std::string_view calm;    // before good news
  std::string_view axis;    // of a picture: one row of its left side
  std::string_view tick;    // a row that has a label
  std::string_view corner;  // where the axes meet
};
const Glyphs& glyphs(const TextStyle& style);

// `count` times the glyph.
std::string repeat(std::string_view glyph, std::size_t count);

// "once", "1,234 times".
std::string times(std::uint64_t count);

// "1 kill", "2 kills": counts grouped by thousands. An empty plural adds an s.
std::string counted(std::uint64_t count, std::string_view singular, std::string_view plural = {});
std::string grouped(std::uint64_t number);  // "2,100,000"

// A space at which wrap() does not break: between a number and its unit.
inline constexpr char kGlue = '\x01';

// Fills words into lines of at most `columns`; a longer word is cut. Lines after
// the first start with `hanging` spaces. Text must be escaped already.
std::vector<std::string> wrap(std::string_view text, std::size_t columns, std::size_t hanging = 0);

}  // namespace memspike::views
