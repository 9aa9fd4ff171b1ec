#include "base/utf8.h"

#include <algorithm>
#include <array>

namespace memspike {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// Marks that stack on the character before them, and the invisible ones (the
// common blocks; a rare script's marks only misalign a column).
constexpr std::array kZeroWidth{
    Range{0x0300, 0x036f}, Range{0x0483, 0x0489},   Range{0x0591, 0x05bd}, Range{0x0610, 0x061a},
    Range{0x064b, 0x065f}, Range{0x06d6, 0x06dc},   Range{0x0900, 0x0902}, Range{0x093c, 0x093c},
    Range{0x0941, 0x0948}, Range{0x0e31, 0x0e31},   Range{0x0e34, 0x0e3a}, Range{0x0e47, 0x0e4e},
    Range{0x1ab0, 0x1aff}, Range{0x1dc0, 0x1dff},   Range{0x200b, 0x200f}, Range{0x2028, 0x202e},
    Range{0x2060, 0x206f}, Range{0x20d0, 0x20ff},   Range{0xfe00, 0xfe0f}, Range{0xfe20, 0xfe2f},
    Range{0xfeff, 0xfeff}, Range{0xe0000, 0xe01ef},
};

// East Asian Wide and Fullwidth, and emoji presentation.
constexpr std::array kWide{
    Range{0x1100, 0x115f},   Range{0x231a, 0x231b},   Range{0x23e9, 0x23ec},   Range{0x2614, 0x2615},
    Range{0x26a1, 0x26a1},   Range{0x2705, 0x2705},   Range{0x274c, 0x274c},   Range{0x2e80, 0x303e},
    Range{0x3041, 0x4dbf},   Range{0x4e00, 0xa4cf},   Range{0xa960, 0xa97f},   Range{0xac00, 0xd7a3},
    Range{0xf900, 0xfaff},   Range{0xfe30, 0xfe6f},   Range{0xff00, 0xff60},   Range{0xffe0, 0xffe6},
    Range{0x1f300, 0x1f64f}, Range{0x1f680, 0x1f6ff}, Range{0x1f900, 0x1f9ff}, Range{0x20000, 0x3fffd},
};

template <std::size_t N>
bool contains(const std::array<Range, N>& ranges, char32_t value) {
  const auto after = std::upper_bound(ranges.begin(), ranges.end(), value,
                                      [](char32_t v, const Range& range) { return v < range.first; });
  return after != ranges.begin() && value <= std::prev(after)->last;
}

unsigned byte_at(std::string_view text, std::size_t i) { return static_cast<unsigned char>(text[i]); }

// What a lead byte promises: how many bytes follow, and the range of the first
// of them, which is where overlong forms and surrogates are told (Unicode table 3-7).
struct Lead {
  std::size_t trailing = 0;
  unsigned low = 0x80;
  unsigned high = 0xbf;
};

Lead lead_of(unsigned byte) {
  if (byte >= 0xc2 && byte <= 0xdf) return {1};
  if (byte == 0xe0) return {2, 0xa0, 0xbf};
  if (byte == 0xed) return {2, 0x80, 0x9f};
  if (byte >= 0xe1 && byte <= 0xef) return {2};
  if (byte == 0xf0) return {3, 0x90, 0xbf};
  if (byte >= 0xf1 && byte <= 0xf3) return {3};
  if (byte == 0xf4) return {3, 0x80, 0x8f};
  return {};
}

}  // namespace

CodePoint first_code_point(std::string_view text) {
  if (text.empty()) return {};
  const unsigned first = byte_at(text, 0);
  if (first < 0x80) return {first, 1, true};
  Lead lead = lead_of(first);
  if (lead.trailing == 0) return {0, 1, false};
  char32_t value = first & (0x3fu >> lead.trailing);
  for (std::size_t i = 1; i <= lead.trailing; ++i) {
    if (i >= text.size() || byte_at(text, i) < lead.low || byte_at(text, i) > lead.high) return {0, i, false};
    value = (value << 6) | (byte_at(text, i) & 0x3f);
    lead.low = 0x80;
    lead.high = 0xbf;
  }
  return {value, lead.trailing + 1, true};
}

unsigned display_width(char32_t code_point) {
  if (code_point < 0x20 || (code_point >= 0x7f && code_point < 0xa0)) return 0;
  if (code_point < 0x300) return 1;
  if (contains(kZeroWidth, code_point)) return 0;
  return contains(kWide, code_point) ? 2 : 1;
}

std::size_t display_width(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const CodePoint point = first_code_point(text);
    columns += point.valid ? display_width(point.value) : point.length;
    text.remove_prefix(point.length);
  }
  return columns;
}

std::string_view prefix_of_width(std::string_view text, std::size_t columns) {
  std::size_t bytes = 0;
  std::size_t used = 0;
  while (bytes < text.size()) {
    const CodePoint point = first_code_point(text.substr(bytes));
    used += point.valid ? display_width(point.value) : point.length;
    if (used > columns) break;
    bytes += point.length;
  }
  return text.substr(0, bytes);
}

}  // namespace memspike
