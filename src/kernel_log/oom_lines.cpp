#include "kernel_log/oom_lines.h"

#include <algorithm>

#include "kernel_log/number.h"

namespace memspike::kernel_log {
namespace {

constexpr std::string_view kConstraint = "oom-kill:constraint=";
constexpr std::string_view kTask = ",task=";
constexpr std::size_t kCommBytes = 15;  // TASK_COMM_LEN - 1

// Takes ",name=NUMBER" off the end of the text.
std::optional<std::int64_t> take_last_field(std::string_view& text, std::string_view mark) {
  const std::size_t at = text.rfind(mark);
  if (at == std::string_view::npos) return std::nullopt;
  const auto number = whole_number<std::int64_t>(text.substr(at + mark.size()));
  if (number) text = text.substr(0, at);
  return number;
}

// What stands between two marks; nothing when the first is missing.
std::optional<std::string_view> between(std::string_view text, std::string_view from, std::string_view to) {
  const std::size_t begin = text.find(from);
  if (begin == std::string_view::npos) return std::nullopt;
  text.remove_prefix(begin + from.size());
  return text.substr(0, text.find(to));
}

// Where the victim's name may begin, the last place first. It has at most 15 bytes, of any kind.
std::vector<std::size_t> places_of_task(std::string_view head) {
  std::vector<std::size_t> all;
  for (std::size_t at = head.rfind(kTask); at != std::string_view::npos && all.size() < kCommBytes;
       at = at == 0 ? std::string_view::npos : head.rfind(kTask, at - 1)) {
    all.push_back(at);
  }
  std::vector<std::size_t> fitting;
  std::copy_if(all.begin(), all.end(), std::back_inserter(fitting),
               [&](std::size_t at) { return head.size() - at - kTask.size() <= kCommBytes; });
  return fitting.empty() ? all : fitting;
}

// One way to read what stands before the victim's name.
struct Reading {
  std::optional<std::string_view> oom_memcg;
  std::optional<std::string_view> task_memcg;
  bool fits = false;  // the victim's memcg is the one that ran out, or lies below
};

bool is_at_or_below(std::string_view path, std::string_view top) {
  if (top == "/" || path == top) return true;
  return path.size() > top.size() && path.starts_with(top) && path[top.size()] == '/';
}

// "…,oom_memcg=A,task_memcg=B" or "…,global_oom,task_memcg=B". What stands before it is a cpuset's name,
// which holds no slash, so the first of these marks that is followed by one is the kernel's. A path may
// hold ",task_memcg=/", too: the one between A and B leaves B below A.
Reading read_memcgs(std::string_view text) {
  constexpr std::string_view kOom = ",oom_memcg=/";
  constexpr std::string_view kTaskMemcg = ",task_memcg=/";
  constexpr std::string_view kGlobal = ",global_oom,task_memcg=/";
  Reading reading;
  const std::size_t global = text.find(kGlobal);
  const std::size_t oom = text.find(kOom);
  if (global < oom) {
    reading.task_memcg = text.substr(global + kGlobal.size() - 1);
    reading.fits = true;
    return reading;
  }
  if (oom == std::string_view::npos) {
    reading.fits = true;  // a kernel without memcgs, or a path that it could not print
    return reading;
  }
  const std::size_t begin = oom + kOom.size() - 1;
  for (std::size_t at = text.find(kTaskMemcg, begin); at != std::string_view::npos && !reading.fits;
       at = text.find(kTaskMemcg, at + 1)) {
    Reading other;
    other.oom_memcg = text.substr(begin, at - begin);
    other.task_memcg = text.substr(at + kTaskMemcg.size() - 1);
    other.fits = is_at_or_below(*other.task_memcg, *other.oom_memcg);
    if (other.fits || !reading.oom_memcg) reading = other;
  }
  return reading;
}

void take(ConstraintLine& line, const Reading& reading) {
  if (line.task_memcgs.empty() && reading.oom_memcg) line.oom_memcg = std::string(*reading.oom_memcg);
  if (reading.task_memcg) line.task_memcgs.emplace_back(*reading.task_memcg);
}

Scope scope_of(std::string_view message) {
  if (message == "Memory cgroup out of memory") return Scope::memcg;
  // With sysctl vm.oom_kill_allocating_task a memcg's kill has the same words as the node's.
  return message == "Out of memory" ? Scope::node : Scope::unknown;
}

std::uint64_t kilobytes(std::string_view text, std::string_view mark) {
  constexpr std::uint64_t kUnitBytes = 1024;
  const auto field = between(text, mark, ",");
  const auto number = field ? leading_number<std::uint64_t>(*field) : std::nullopt;
  return std::min(number.value_or(0), UINT64_MAX / kUnitBytes) * kUnitBytes;
}

}  // namespace

bool begins_constraint_line(std::string_view text) { return text.starts_with(kConstraint); }

bool ends_constraint_line(std::string_view text) {
  return take_last_field(text, ",uid=") && take_last_field(text, ",pid=") &&
         text.find(kTask) != std::string_view::npos;
}

std::optional<ConstraintLine> parse_constraint_line(std::string_view text) {
  if (!begins_constraint_line(text)) return std::nullopt;
  take_last_field(text, ",uid=");
  const auto pid = take_last_field(text, ",pid=");
  if (!pid || *pid < 0 || *pid > UINT32_MAX) return std::nullopt;
  ConstraintLine line;
  line.pid = static_cast<std::uint32_t>(*pid);
  line.constraint = std::string(*between(text, kConstraint, ","));
  std::vector<Reading> readings;
  for (const std::size_t at : places_of_task(text)) readings.push_back(read_memcgs(text.substr(0, at)));
  if (readings.empty()) return std::nullopt;
  for (const Reading& reading : readings) {
    if (reading.fits) take(line, reading);
  }
  if (line.task_memcgs.empty()) take(line, readings.front());
  return line;
}

std::optional<KilledLine> parse_killed_line(std::string_view text) {
  constexpr std::string_view kKilled = ": Killed process ";
  constexpr std::string_view kAfterName = ") total-vm:";
  const std::size_t at = text.find(kKilled);
  const std::size_t name_end = text.rfind(kAfterName);
  if (at == std::string_view::npos ||
      !(text.starts_with("Memory cgroup out of memory") || text.starts_with("Out of memory"))) {
    return std::nullopt;
  }
  const std::string_view process = text.substr(at + kKilled.size());
  const std::size_t name_at = text.find(" (", at + kKilled.size());
  const auto pid = leading_number<std::uint32_t>(process);
  if (!pid || name_at == std::string_view::npos) return std::nullopt;
  KilledLine line;
  line.pid = *pid;
  line.scope = scope_of(text.substr(0, at));
  if (name_end == std::string_view::npos || name_end < name_at + 2) return line;
  line.comm = std::string(text.substr(name_at + 2, name_end - name_at - 2));
  const std::string_view figures = text.substr(name_end);
  line.anon_rss_bytes = kilobytes(figures, "anon-rss:");
  line.file_rss_bytes = kilobytes(figures, "file-rss:");
  line.shmem_rss_bytes = kilobytes(figures, "shmem-rss:");
  if (const auto adj = between(figures, "oom_score_adj:", " "))
    line.oom_score_adj = leading_number<std::int32_t>(*adj).value_or(0);
  return line;
}

std::optional<InvokedLine> parse_invoked_line(std::string_view text) {
  // A name of 15 bytes has no room for these words.
  const std::size_t at = text.find(" invoked oom-killer: ");
  if (at == std::string_view::npos || at > kCommBytes) return std::nullopt;
  const auto order = between(text.substr(at), ", order=", ",");
  const auto number = order ? whole_number<std::int32_t>(*order) : std::nullopt;
  return number ? std::optional(InvokedLine{*number}) : std::nullopt;
}

}  // namespace memspike::kernel_log
