#include "process/time_namespace.h"

#include <unistd.h>

#include <array>
#include <charconv>
#include <string>
#include <vector>

#include "cgroup/host_files.h"
#include "cgroup/text.h"

namespace memspike::process {
namespace {

constexpr std::size_t kMaxOffsetsBytes = 4096;

std::optional<std::int64_t> parse_signed(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "monotonic  -1000  500000000": seconds, and the nanoseconds that come on top.
std::optional<std::int64_t> parse_offset(const std::vector<std::string_view>& words) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  constexpr std::int64_t kMaxSeconds = 0x7fffffffffffffff / kSecond - 1;
  const auto seconds = parse_signed(words[1]);
  const auto ns = parse_signed(words[2]);
  if (!seconds || !ns || *ns < 0 || *ns >= kSecond) return std::nullopt;
  if (*seconds > kMaxSeconds || *seconds < -kMaxSeconds) return std::nullopt;
  return *seconds * kSecond + *ns;
}

std::string link_of(const char* path) {
  std::array<char, 64> buffer{};
  const ssize_t length = readlink(path, buffer.data(), buffer.size());
  return length > 0 ? std::string(buffer.data(), static_cast<std::size_t>(length)) : std::string();
}

}  // namespace

std::optional<TimeNamespace> parse_timens_offsets(std::string_view content) {
  TimeNamespace offsets;
  bool complete = false;
  for (const std::string_view line : cgroup::split(content, '\n')) {
    const auto words = cgroup::split(line, ' ');
    if (words.size() != 3) return std::nullopt;
    const auto offset = parse_offset(words);
    if (!offset) return std::nullopt;
    complete = complete || words[0] == "monotonic";
    if (words[0] == "monotonic") offsets.monotonic_ns = *offset;
    if (words[0] == "boottime") offsets.boottime_ns = *offset;
  }
  return complete ? std::optional(offsets) : std::nullopt;
}

TimeNamespace own_time_namespace() {
  const std::string own = link_of("/proc/self/ns/time");
  if (own.empty() || own != link_of("/proc/self/ns/time_for_children")) return {};
  const auto content = cgroup::read_small_file("/proc/self/timens_offsets", kMaxOffsetsBytes);
  return content ? parse_timens_offsets(*content).value_or(TimeNamespace{}) : TimeNamespace{};
}

}  // namespace memspike::process
