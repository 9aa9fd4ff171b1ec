// A histogram as horizontal bars: its fine buckets merged into a few readable rows.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "histogram/histogram.h"
#include "views/kit/style.h"

namespace memspike::views {

// What a histogram counts; decides where rows may begin.
enum class Unit {
  bytes,     // powers of two and their even parts
  duration,  // nanoseconds: 1-2-5 and the other round decimal steps
  order,     // small integers
};

// Values in [low, high).
struct Bin {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  std::uint64_t count = 0;
  friend bool operator==(const Bin&, const Bin&) = default;
};

// At most max_rows adjoining bins from the smallest value to the largest, empty
// ones between included, on the finest grid that suffices. Zero has a bin of its
// own, in front: "no headroom at all" is not "little headroom".
std::vector<Bin> merge_buckets(const histogram::Histogram& histogram, Unit unit, std::size_t max_rows = 12);

// A line with its width, which its escape sequences hide.
struct Line {
  std::string text;
  std::size_t width = 0;
};

// Title, percentiles and bars, within `columns`. `noun` is what is counted, in
// the singular ("spike"). Just the summary where all values fall into one row.
std::vector<Line> render_bars(std::string_view title, std::string_view noun,
                              const histogram::Histogram& histogram, Unit unit, const TextStyle& style,
                              std::size_t columns);

// "8 – 12 MiB", "512 KiB – 1 MiB", "0 B".
std::string bin_label(const Bin& bin, Unit unit, const TextStyle& style);

}  // namespace memspike::views
