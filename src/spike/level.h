// Exact arithmetic on heights and times. Usage is below 2^63 bytes and monotonic
// time near 1e15 ns: doubles hold neither, so only differences become doubles.
#pragma once

#include <cmath>
#include <cstdint>

namespace memspike::spike {

// A height between two integers: whole bytes and tenths of a byte. A sample lies at
// or below the height exactly when it is <= floor_bytes.
struct Level {
  std::uint64_t floor_bytes = 0;
  std::uint64_t tenths = 0;
};

// base + prominence * tenths / 10.
inline Level level_above(std::uint64_t base_bytes, std::uint64_t prominence_bytes, std::uint64_t tenths) {
  const std::uint64_t rest = prominence_bytes % 10 * tenths;
  return {base_bytes + prominence_bytes / 10 * tenths + rest / 10, rest % 10};
}

// Where the level lies on the way from low (at or below it) to high (above it): [0, 1).
inline double share_of_way(const Level& level, std::uint64_t low_bytes, std::uint64_t high_bytes) {
  const double above =
      static_cast<double>(level.floor_bytes - low_bytes) + static_cast<double>(level.tenths) / 10.0;
  return above / static_cast<double>(high_bytes - low_bytes);
}

// A moment near a row: the row's time and a signed distance from it.
struct Moment {
  std::uint64_t row_ns = 0;
  double offset_ns = 0;
};

// Nanoseconds from `from` to `to`, rounded; from's row is not after to's.
inline std::uint64_t duration_ns(const Moment& from, const Moment& to) {
  const auto rows = static_cast<std::int64_t>(to.row_ns - from.row_ns);
  const double fraction = to.offset_ns - from.offset_ns;
  const std::int64_t total = rows + static_cast<std::int64_t>(std::floor(fraction + 0.5));
  return total > 0 ? static_cast<std::uint64_t>(total) : 0;
}

}  // namespace memspike::spike
