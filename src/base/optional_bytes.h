// A number of bytes, or none: std::optional<std::uint64_t> in half the room.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>

namespace memspike {

// For what is copied with every reading of a counter. Copying a std::optional that was just set reads its
// value and its flag at once, and so waits until both stores are done: some 15 cycles, a tenth of a reading's
// whole way to the report. None is 2^64 - 1, which no number of bytes is here: they are at most 2^63 - 1.
class OptionalBytes {
 public:
  constexpr OptionalBytes() = default;
  constexpr OptionalBytes(std::nullopt_t) {}
  constexpr OptionalBytes(std::uint64_t bytes) : bytes_(bytes) {}
  constexpr OptionalBytes(const std::optional<std::uint64_t>& bytes) : bytes_(bytes.value_or(kNone)) {}

  constexpr bool has_value() const { return bytes_ != kNone; }
  constexpr explicit operator bool() const { return has_value(); }
  constexpr std::uint64_t operator*() const { return bytes_; }  // there must be one
  constexpr std::uint64_t value_or(std::uint64_t other) const { return has_value() ? bytes_ : other; }
  constexpr operator std::optional<std::uint64_t>() const {
    return has_value() ? std::optional(bytes_) : std::nullopt;
  }

  friend constexpr bool operator==(OptionalBytes, OptionalBytes) = default;
  friend constexpr bool operator==(OptionalBytes a, std::uint64_t b) { return a == OptionalBytes(b); }
  friend constexpr bool operator==(OptionalBytes a, const std::optional<std::uint64_t>& b) {
    return a == OptionalBytes(b);
  }

 private:
  static constexpr std::uint64_t kNone = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t bytes_ = kNone;
};

}  // namespace memspike
