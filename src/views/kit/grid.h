// Round numbers at which a histogram's rows begin.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "views/kit/bars.h"

namespace memspike::views {

// The edge that has none after it.
constexpr std::uint64_t kTopEdge = std::numeric_limits<std::uint64_t>::max();

// A log-linear grid: each decade (or octave) is cut into `parts`, or several of
// them together make one row.
class Grid {
 public:
  // parts: per octave 8, 4, 2 or 1 (bytes), per decade 9, 3 (1-2-5) or 1
  // (durations); 1 for orders. together: octaves, decades or orders a row,
  // where parts is 1.
  Grid(Unit unit, unsigned parts, unsigned together) : unit_(unit), parts_(parts), together_(together) {}

  // The edge at or below a value (a value above zero, except for orders).
  std::uint64_t floor(std::uint64_t value) const;
  // The edge after an edge; kTopEdge where there is none.
  std::uint64_t next(std::uint64_t edge) const;

 private:
  Unit unit_;
  unsigned parts_;
  unsigned together_;
};

// The finest grid with at most max_rows rows from the one that holds `low` to
// the one that holds `high`.
Grid finest_grid(Unit unit, std::uint64_t low, std::uint64_t high, std::size_t max_rows);

}  // namespace memspike::views
