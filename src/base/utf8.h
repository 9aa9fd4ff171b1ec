// UTF-8 as it arrives from strangers: decoded strictly, measured in terminal columns.
#pragma once

#include <cstddef>
#include <string_view>

namespace memspike {

// The first code point of a text. When it is not valid UTF-8, `length` spans
// the maximal ill-formed subpart (Unicode 15, 3.9, "U+FFFD substitution"), so
// that one U+FFFD a call is what browsers and Python print, too.
struct CodePoint {
  char32_t value = 0;
  std::size_t length = 0;  // bytes; 0 only for an empty text
  bool valid = false;
};

// Strict: refuses overlong forms, surrogates and values above U+10FFFF.
CodePoint first_code_point(std::string_view text);

// Terminal columns of one code point: 0 (combining, zero-width), 1, or 2 (East
// Asian wide, emoji). In the manner of wcwidth, but independent of the locale.
// Controls count 0: escape them before measuring.
unsigned display_width(char32_t code_point);

// Terminal columns of a text; each byte of invalid UTF-8 counts 1.
std::size_t display_width(std::string_view text);

// The longest prefix that is at most `columns` wide, cut between code points.
std::string_view prefix_of_width(std::string_view text, std::size_t columns);

}  // namespace memspike
