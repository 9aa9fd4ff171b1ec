#include "kernel_log/record.h"

#include "kernel_log/number.h"

namespace memspike::kernel_log {
namespace {

// Takes the text up to the next comma off its front.
std::string_view take_field(std::string_view& head) {
  const std::size_t comma = head.find(',');
  const std::string_view field = head.substr(0, comma);
  head.remove_prefix(comma == std::string_view::npos ? head.size() : comma + 1);
  return field;
}

}  // namespace

std::optional<Record> parse_record(std::string_view record) {
  const std::size_t semicolon = record.find(';');
  if (semicolon == std::string_view::npos) return std::nullopt;
  std::string_view head = record.substr(0, semicolon);
  const auto priority = whole_number<std::uint64_t>(take_field(head));
  const auto sequence = whole_number<std::uint64_t>(take_field(head));
  const auto micros = whole_number<std::uint64_t>(take_field(head));
  const std::string_view flags = take_field(head);
  if (!priority || !sequence || !micros || *micros > UINT64_MAX / 1000 || flags.empty()) return std::nullopt;
  Record result;
  result.facility = *priority >> 3;
  result.sequence = *sequence;
  result.time_ns = *micros * 1000;
  result.continued = flags.front() == 'c';
  constexpr std::string_view kCaller = "caller=";
  while (!head.empty()) {
    const std::string_view field = take_field(head);
    if (field.starts_with(kCaller)) result.caller = field.substr(kCaller.size());
  }
  const std::string_view text = record.substr(semicolon + 1);
  result.text = text.substr(0, text.find('\n'));
  return result;
}

std::string unescape(std::string_view text) {
  constexpr std::size_t kEscapeChars = 4;
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view escape = text.substr(i, kEscapeChars);
    const auto byte = escape.size() == kEscapeChars && escape.starts_with("\\x")
                          ? whole_number<std::uint8_t>(escape.substr(2), 16)
                          : std::nullopt;
    result += byte ? static_cast<char>(*byte) : text[i];
    if (byte) i += kEscapeChars - 1;
  }
  return result;
}

}  // namespace memspike::kernel_log
