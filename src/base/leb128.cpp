#include "base/leb128.h"

#include <limits>

namespace memspike {
namespace {

constexpr std::uint64_t kAllBits = std::numeric_limits<std::uint64_t>::max();

}  // namespace

void append_leb128(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  out += static_cast<char>(value);
}

std::uint64_t take_leb128(std::string_view& text) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !text.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(text.front());
    text.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) break;
  }
  return value;
}

std::uint64_t zigzag(std::uint64_t from, std::uint64_t to) {
  const std::uint64_t difference = to - from;
  return (difference << 1) ^ (difference >> 63 ? kAllBits : 0);
}

std::uint64_t after_zigzag(std::uint64_t from, std::uint64_t step) {
  return from + ((step >> 1) ^ (step & 1 ? kAllBits : 0));
}

}  // namespace memspike
