#include "kernel_log/syslog_text.h"

#include <fmt/core.h>

#include <charconv>

namespace memspike::kernel_log {
namespace {

// Takes a number from the front; false: there is none.
bool take_number(std::string_view& text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

bool take(std::string_view& text, char expected) {
  if (text.empty() || text.front() != expected) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::string SyslogLine::as_record(std::uint64_t sequence) const {
  std::string record = fmt::format("{},{},{},-;", priority, sequence, time_us);
  for (const char each : text) {
    if (each == '\\') {
      record += "\\x5c";
    } else {
      record += each;
    }
  }
  return record;
}

std::optional<SyslogLine> parse_syslog_line(std::string_view line) {
  constexpr std::size_t kDecimals = 6;
  std::uint64_t priority = 0;
  std::uint64_t seconds = 0;
  std::uint64_t microseconds = 0;
  if (!take(line, '<') || !take_number(line, priority) || !take(line, '>') || !take(line, '['))
    return std::nullopt;
  while (take(line, ' ')) {
  }
  if (!take_number(line, seconds) || !take(line, '.')) return std::nullopt;
  const std::size_t before = line.size();
  if (!take_number(line, microseconds) || before - line.size() != kDecimals || !take(line, ']'))
    return std::nullopt;
  take(line, ' ');
  const std::uint64_t time_us = seconds * 1'000'000 + microseconds;
  return SyslogLine{priority, time_us, std::string(line)};
}

}  // namespace memspike::kernel_log
