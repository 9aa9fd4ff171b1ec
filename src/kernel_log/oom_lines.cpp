#include "kernel_log/oom_lines.h"

#include <charconv>

namespace memspike::kernel_log {
namespace {

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data()) return std::nullopt;
  return number;
}

// What stands between two marks; nothing when the first is missing.
std::optional<std::string_view> between(std::string_view text, std::string_view from, std::string_view to) {
  const std::size_t begin = text.find(from);
  if (begin == std::string_view::npos) return std::nullopt;
  text.remove_prefix(begin + from.size());
  return text.substr(0, text.find(to));
}

std::optional<std::string> to_string(std::optional<std::string_view> text) {
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

// A task may call itself ",pid=1,oom_memcg=/": what stands before its name is read from the
// front, what stands behind it from the back.
std::optional<OomLine> parse_constraint(std::string_view text) {
  constexpr std::string_view kStart = "oom-kill:constraint=";
  if (!text.starts_with(kStart)) return std::nullopt;
  const std::size_t task_at = text.find(",task=");
  const std::size_t pid_at = text.rfind(",pid=");
  if (task_at == std::string_view::npos || pid_at == std::string_view::npos || pid_at < task_at) {
    return std::nullopt;
  }
  const auto pid = parse_number<std::uint32_t>(text.substr(pid_at + 5));
  if (!pid) return std::nullopt;
  const std::string_view head = text.substr(0, task_at);
  OomLine line;
  line.kind = OomLine::Kind::constraint;
  line.pid = *pid;
  line.constraint = std::string(*between(head, kStart, ","));
  line.oom_memcg = to_string(between(head, ",oom_memcg=", ",task_memcg="));
  line.task_memcg = to_string(between(head, ",task_memcg=", ",task="));
  return line;
}

// "Memory cgroup out of memory: Killed process 815 (name) total-vm:…" and, of the node,
// "Out of memory: Killed process …". Older kernels say "Memory cgroup out of memory: Kill process".
std::optional<OomLine> parse_killed(std::string_view text) {
  if (!text.starts_with("Memory cgroup out of memory: ") && !text.starts_with("Out of memory"))
    return std::nullopt;
  const auto after = between(text, ": Killed process ", " (");
  const auto pid = after ? parse_number<std::uint32_t>(*after) : std::nullopt;
  if (!pid) return std::nullopt;
  OomLine line;
  line.pid = *pid;
  return line;
}

}  // namespace

std::optional<OomLine> parse_oom_line(std::string_view record) {
  const std::size_t semicolon = record.find(';');
  if (semicolon == std::string_view::npos) return std::nullopt;
  std::string_view head = record.substr(0, semicolon);
  std::string_view text = record.substr(semicolon + 1);
  text = text.substr(0, text.find('\n'));
  for (int field = 0; field < 2; ++field) {
    const std::size_t comma = head.find(',');
    if (comma == std::string_view::npos) return std::nullopt;
    head.remove_prefix(comma + 1);
  }
  const auto micros = parse_number<std::uint64_t>(head);
  auto line = parse_constraint(text);
  if (!line) line = parse_killed(text);
  if (!line || !micros || *micros > UINT64_MAX / 1000) return std::nullopt;
  line->time_ns = *micros * 1000;
  line->text = std::string(text);
  return line;
}

}  // namespace memspike::kernel_log
