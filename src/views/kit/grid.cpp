#include "views/kit/grid.h"

#include <algorithm>
#include <vector>

namespace memspike::views {
namespace {

std::uint64_t times(std::uint64_t value, std::uint64_t factor) {
  return value > kTopEdge / factor ? kTopEdge : value * factor;
}

// base^(the largest multiple of `together` that keeps it at or below value).
std::uint64_t power_below(std::uint64_t value, std::uint64_t base, unsigned together) {
  std::uint64_t step = 1;
  for (unsigned i = 0; i < together; ++i) step = times(step, base);
  std::uint64_t power = 1;
  while (power <= value / step) power *= step;
  return power;
}

std::size_t rows(const Grid& grid, std::uint64_t low, std::uint64_t high, std::size_t enough) {
  std::size_t count = 1;
  for (std::uint64_t edge = grid.next(grid.floor(low)); edge <= high && edge != kTopEdge && count <= enough;
       edge = grid.next(edge)) {
    ++count;
  }
  return count;
}

struct Shape {
  unsigned parts;
  unsigned together;
};

// From fine to coarse. Durations skip 1.5 and the like: "1 – 2 – 5" is read at one look.
std::vector<Shape> shapes(Unit unit) {
  switch (unit) {
    case Unit::bytes:
      return {{8, 1}, {4, 1}, {2, 1}, {1, 1}, {1, 2}, {1, 4}, {1, 8}};
    case Unit::duration:
      return {{9, 1}, {3, 1}, {1, 1}, {1, 2}};
    case Unit::order:
      break;
  }
  return {{1, 1}, {1, 2}, {1, 4}, {1, 8}};
}

}  // namespace

std::uint64_t Grid::floor(std::uint64_t value) const {
  if (unit_ == Unit::order) return value - value % together_;
  const std::uint64_t power = power_below(value, unit_ == Unit::bytes ? 2 : 10, together_);
  if (parts_ == 1) return power;
  if (unit_ == Unit::bytes) {
    const std::uint64_t step = std::max<std::uint64_t>(1, power / parts_);
    return value - value % step;
  }
  const std::uint64_t digit = value / power;
  if (parts_ == 9) return digit * power;
  return (digit >= 5 ? 5 : digit >= 2 ? 2 : 1) * power;
}

std::uint64_t Grid::next(std::uint64_t edge) const {
  if (unit_ == Unit::order) return edge + together_;
  const std::uint64_t base = unit_ == Unit::bytes ? 2 : 10;
  const std::uint64_t power = power_below(edge, base, together_);
  if (parts_ == 1) {
    std::uint64_t next = power;
    for (unsigned i = 0; i < together_; ++i) next = times(next, base);
    return next;
  }
  if (unit_ == Unit::bytes) {
    const std::uint64_t step = std::max<std::uint64_t>(1, power / parts_);
    return edge > kTopEdge - step ? kTopEdge : edge + step;
  }
  const std::uint64_t digit = edge / power;
  if (parts_ == 9) return edge > kTopEdge - power ? kTopEdge : edge + power;
  return times(power, digit >= 5 ? 10 : digit >= 2 ? 5 : 2);
}

Grid finest_grid(Unit unit, std::uint64_t low, std::uint64_t high, std::size_t max_rows) {
  const std::vector<Shape> all = shapes(unit);
  for (const Shape& shape : all) {
    const Grid grid(unit, shape.parts, shape.together);
    if (rows(grid, low, high, max_rows) <= max_rows) return grid;
  }
  return {unit, all.back().parts, all.back().together};
}

}  // namespace memspike::views
