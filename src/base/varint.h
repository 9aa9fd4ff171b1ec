// Numbers in as few bytes as they need: LEB128, and zigzag for differences.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace memspike {

inline constexpr std::size_t kMaxVarintBytes = 10;

inline void append_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

// Takes one from where `at` stands, and moves it behind. `bytes` must hold all of it.
inline std::uint64_t take_varint(std::string_view bytes, std::size_t& at) {
  std::uint64_t value = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto byte = static_cast<unsigned char>(bytes[at++]);
    value |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) return value;
  }
}

// Takes the first one off.
inline std::uint64_t take_varint(std::string_view& bytes) {
  std::size_t at = 0;
  const std::uint64_t value = take_varint(bytes, at);
  bytes.remove_prefix(at);
  return value;
}

// Small differences of either sign become small numbers.
inline std::uint64_t zigzag(std::uint64_t from, std::uint64_t to) {
  const std::uint64_t difference = to - from;
  return (difference << 1) ^ (difference >> 63 ? ~std::uint64_t{0} : 0);
}

inline std::uint64_t unzigzag(std::uint64_t from, std::uint64_t code) {
  return from + ((code >> 1) ^ (code & 1 ? ~std::uint64_t{0} : 0));
}

}  // namespace memspike
