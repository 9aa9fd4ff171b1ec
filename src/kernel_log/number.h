// Decimal numbers within text.
#pragma once

#include <charconv>
#include <optional>
#include <string_view>

namespace memspike::kernel_log {

// The number that the text begins with.
template <class Number>
std::optional<Number> leading_number(std::string_view text, int base = 10) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return number;
}

// The number that the text is, from its first character to its last.
template <class Number>
std::optional<Number> whole_number(std::string_view text, int base = 10) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc() || end == text.data() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace memspike::kernel_log
