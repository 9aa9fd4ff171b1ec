// A grid of dots drawn with the characters of a terminal: braille, or signs of ASCII.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "views/kit/style.h"

namespace memspike::views {

// Each character has 2 × 4 dots in braille, 1 × 3 in ASCII. Dots are counted from the lower left. Where
// something is drawn, no dash of the line behind it is: a dash would look like a part of it.
class Canvas {
 public:
  Canvas(std::size_t columns, std::size_t rows, const TextStyle& style);

  std::size_t width() const { return columns_ * across_; }  // dots
  std::size_t height() const { return rows_ * up_; }        // dots
  std::size_t row_of(std::size_t y) const { return rows_ - 1 - y / up_; }
  std::size_t column_of(std::size_t x) const { return x / across_; }

  // The dots of column x from low to high, both included.
  void draw(std::size_t x, std::size_t low, std::size_t high);
  // A dashed line across, at the height y.
  void dash(std::size_t y);

  // A row of characters, the first being the highest, without spaces at its end.
  std::string line(std::size_t row) const;

 private:
  struct Cell {
    std::uint8_t drawn = 0;  // a bit a dot
    std::uint8_t dashed = 0;
  };
  std::uint8_t bit(std::size_t x, std::size_t y) const;
  std::string sign(const Cell& cell) const;

  TextStyle style_;
  std::size_t columns_;
  std::size_t rows_;
  std::size_t across_;
  std::size_t up_;
  std::vector<Cell> cells_;
};

}  // namespace memspike::views
