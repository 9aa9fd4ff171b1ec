// A small aligned table for terminals. It escapes every cell, so callers may
// put untrusted text into it.
#pragma once

#include <string>
#include <vector>

#include "views/kit/style.h"

namespace memspike::views {

enum class Align { left, right };

struct Column {
  std::string header;
  Align align = Align::left;
  int drop = 0;               // > 0: may be left out where the width does not suffice, highest first
  std::size_t shrink_to = 0;  // > 0: longer cells may be cut in their middle, down to this width
  bool spare = false;         // with drop > 0: left out before any other column is shrunk
};

struct Cell {
  std::string text;
  Tone tone = Tone::plain;
  Cell(std::string t, Tone n = Tone::plain)
      : text(std::move(t)), tone(n) {}                             // NOLINT(google-explicit-constructor)
  Cell(const char* t, Tone n = Tone::plain) : text(t), tone(n) {}  // NOLINT(google-explicit-constructor)
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // Missing cells at the end of a row are empty; surplus ones are ignored.
  void add_row(std::vector<Cell> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }

  // Header (unless all are empty) and rows, each line ended and without trailing spaces, no wider than
  // the style's columns: narrower gaps first, then dropped columns, then shrunk ones.
  // What fits by none of these is cut at its right.
  std::string render(const TextStyle& style, std::size_t indent = 0) const;

  // Whether narrower gaps, dropped and shrunk columns suffice.
  bool fits(const TextStyle& style, std::size_t indent = 0) const;

 private:
  struct Sheet;
  Sheet measure(const TextStyle& style) const;

  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace memspike::views
