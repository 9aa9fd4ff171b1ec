#include "views/html/timeline_codec.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

#include "base/varint.h"

namespace memspike::views::html {
namespace {

constexpr std::size_t kChunkBytes = 48 << 10;  // a multiple of 3: no padding within

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t bits = 0;
    const std::size_t taken = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t j = 0; j < 3; ++j) {
      bits = bits << 8 | (j < taken ? static_cast<unsigned char>(bytes[i + j]) : 0U);
    }
    const std::array digits{bits >> 18, bits >> 12 & 63, bits >> 6 & 63, bits & 63};
    for (std::size_t j = 0; j < digits.size(); ++j) out += j <= taken ? kDigits[digits[j]] : '=';
  }
  return out;
}

}  // namespace

std::string timeline_id(std::size_t subject, std::size_t life) {
  return fmt::format("rows-{}-{}", subject, life);
}

std::uint64_t unit_bytes(const timeline::Series& rows) {
  std::uint64_t bits = 0;
  for (const auto& [time_ns, bytes] : rows) bits |= bytes;
  return bits == 0 ? 1 : bits & (~bits + 1);
}

Result<void> write_base64(const timeline::Series& rows, const Sink& sink) {
  const std::uint64_t unit = unit_bytes(rows);
  std::string packed;
  std::uint64_t last_ns = rows.empty() ? 0 : rows.front().first;
  std::uint64_t last_units = 0;
  for (const auto& [time_ns, bytes] : rows) {
    append_varint(packed, time_ns > last_ns ? time_ns - last_ns : 0);
    append_varint(packed, zigzag(last_units, bytes / unit));
    last_ns = std::max(last_ns, time_ns);
    last_units = bytes / unit;
    if (packed.size() < kChunkBytes) continue;
    if (auto written = sink(base64(std::string_view(packed).substr(0, kChunkBytes))); !written)
      return written;
    packed.erase(0, kChunkBytes);
  }
  return sink(base64(packed));
}

}  // namespace memspike::views::html
