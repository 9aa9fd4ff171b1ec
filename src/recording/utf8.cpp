#include "recording/utf8.h"

#include <fmt/core.h>

#include <optional>

#include "base/utf8.h"

namespace memspike::recording {
namespace {

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  return std::nullopt;
}

// The byte of "\xNN" at the text's beginning.
std::optional<char> escaped_byte(std::string_view text) {
  if (text.size() < 4 || text[1] != 'x') return std::nullopt;
  const auto high = hex_digit(text[2]);
  const auto low = hex_digit(text[3]);
  if (!high || !low) return std::nullopt;
  return static_cast<char>(*high * 16 + *low);
}

}  // namespace

std::string to_utf8(std::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    const CodePoint point = first_code_point(bytes);
    if (!point.valid) {
      for (const char byte : bytes.substr(0, point.length)) {
        text += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
      }
    } else if (bytes.front() == '\\') {
      text += "\\\\";
    } else {
      text += bytes.substr(0, point.length);
    }
    bytes.remove_prefix(point.length);
  }
  return text;
}

std::string from_utf8(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    std::size_t length = 1;
    if (text.starts_with("\\\\")) {
      bytes += '\\';
      length = 2;
    } else if (const auto byte = text.front() == '\\' ? escaped_byte(text) : std::nullopt) {
      bytes += *byte;
      length = 4;
    } else {
      bytes += text.front();
    }
    text.remove_prefix(length);
  }
  return bytes;
}

}  // namespace memspike::recording
