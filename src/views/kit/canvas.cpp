#include "views/kit/canvas.h"

#include <array>
#include <bit>

namespace memspike::views {
namespace {

// U+2800 and the dots' bits, as UTF-8.
std::string braille(std::uint8_t dots) {
  return {'\xe2', static_cast<char>(0xa0 | (dots >> 6)), static_cast<char>(0x80 | (dots & 0x3f))};
}

// What is drawn, by the height of the dot in its character from below.
char ascii(std::uint8_t dots) {
  constexpr std::array kDrawn{'.', '-', '\''};
  return std::popcount(dots) > 1 ? '|' : kDrawn[static_cast<std::size_t>(std::countr_zero(dots))];
}

}  // namespace

Canvas::Canvas(std::size_t columns, std::size_t rows, const TextStyle& style)
    : style_(style),
      columns_(columns),
      rows_(rows),
      across_(style.utf8 ? 2 : 1),
      up_(style.utf8 ? 4 : 3),
      cells_(columns * rows) {}

std::uint8_t Canvas::bit(std::size_t x, std::size_t y) const {
  // The order in which Unicode numbers the dots: three rows from above, then the lowest.
  constexpr std::array<std::array<std::uint8_t, 4>, 2> kBraille{
      {{0x40, 0x04, 0x02, 0x01}, {0x80, 0x20, 0x10, 0x08}}};
  if (!style_.utf8) return static_cast<std::uint8_t>(1U << y % up_);
  return kBraille[x % across_][y % up_];
}

void Canvas::draw(std::size_t x, std::size_t low, std::size_t high) {
  for (std::size_t y = low; y <= high; ++y) {
    cells_[row_of(y) * columns_ + column_of(x)].drawn |= bit(x, y);
  }
}

void Canvas::dash(std::size_t y) {
  for (std::size_t column = 0; column < columns_; column += 2) {
    Cell& cell = cells_[row_of(y) * columns_ + column];
    for (std::size_t x = 0; x < across_; ++x) cell.dashed |= bit(x, y);
  }
}

std::string Canvas::sign(const Cell& cell) const {
  const std::uint8_t dots = cell.drawn != 0 ? cell.drawn : cell.dashed;
  if (dots == 0) return " ";
  if (style_.utf8) return braille(dots);
  return std::string(1, cell.drawn != 0 ? ascii(dots) : '=');
}

std::string Canvas::line(std::size_t row) const {
  const auto tone_of = [](const Cell& cell) {
    return cell.drawn == 0 && cell.dashed != 0 ? Tone::warn : Tone::plain;
  };
  std::string text;
  std::string run;  // of one tone
  std::string gap;  // spaces that count only if something follows
  Tone tone = Tone::plain;
  for (std::size_t column = 0; column < columns_; ++column) {
    const Cell& cell = cells_[row * columns_ + column];
    const std::string next = sign(cell);
    if (next == " ") {
      gap += next;
      continue;
    }
    if (tone_of(cell) != tone) {
      text += paint(run, tone, style_);
      run.clear();
      tone = tone_of(cell);
    }
    run += gap + next;
    gap.clear();
  }
  return text + paint(run, tone, style_);
}

}  // namespace memspike::views
