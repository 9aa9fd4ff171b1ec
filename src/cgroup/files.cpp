#include "cgroup/files.h"

#include <sys/stat.h>

#include <charconv>
#include <string_view>

#include "cgroup/host_files.h"
#include "cgroup/text.h"

namespace memspike::cgroup {
namespace {

constexpr std::size_t kMaxFileBytes = 64 * 1024;
constexpr std::size_t kMaxProcsBytes = std::size_t{4} << 20;  // half a million processes

// v1 shows "no limit" as PAGE_COUNTER_MAX in bytes, just below 2^63 and
// different for every page size: nothing real comes near it.
constexpr std::uint64_t kUnlimitedBytes = std::uint64_t{1} << 62;

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> read_number(const std::filesystem::path& path) {
  return cgroup::read_number(SmallFile(path));
}

// The value after `key` in the content of a file of "key value" lines.
std::optional<std::uint64_t> find_key(std::string_view content, std::string_view key) {
  for (const std::string_view line : split(content, '\n')) {
    const auto words = split(line, ' ');
    if (words.size() == 2 && words[0] == key) return parse_number(words[1]);
  }
  return std::nullopt;
}

std::optional<std::uint64_t> read_key(const std::filesystem::path& path, std::string_view key) {
  const auto content = read_small_file(path, kMaxFileBytes, Pieces::one);
  return content ? find_key(*content, key) : std::nullopt;
}

// The number behind "total=" in the line that begins with `key`.
std::optional<std::uint64_t> find_total(std::string_view content, std::string_view key) {
  constexpr std::string_view kTotal = "total=";
  for (const std::string_view line : split(content, '\n')) {
    const auto words = split(line, ' ');
    if (words.size() < 2 || words.front() != key || !starts_with(words.back(), kTotal)) continue;
    return parse_number(words.back().substr(kTotal.size()));
  }
  return std::nullopt;
}

// memory.events counts the descendants' events as well.
std::optional<std::uint64_t> read_own_event(const std::filesystem::path& dir, std::string_view key,
                                            Version version) {
  if (version == Version::v1) return std::nullopt;
  const auto own = read_key(dir / kMemoryEventsLocal, key);
  return own ? own : read_key(dir / kMemoryEvents, key);
}

// What v2 says; if that is nothing, or not its version, what v1 says.
template <class V2, class V1>
auto either(Version version, V2 v2, V1 v1) -> decltype(v2()) {
  if (version != Version::v1) {
    if (auto value = v2()) return value;
  }
  return version != Version::v2 ? v1() : std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> read_number(const SmallFile& file) {
  auto content = file.read(kMaxFileBytes, Pieces::one);
  if (!content) return std::nullopt;
  if (!content->empty() && content->back() == '\n') content->pop_back();
  return parse_number(*content);
}

std::optional<std::uint64_t> read_limit_bytes(const std::filesystem::path& dir) {
  // "max" is not a number, and so no limit.
  auto limit = read_number(dir / kMemoryMax);
  if (!limit) limit = read_number(dir / kLimitInBytes);
  return limit && *limit < kUnlimitedBytes ? limit : std::nullopt;
}

std::optional<std::uint64_t> read_usage_bytes(const std::filesystem::path& dir, Version version) {
  return either(
      version, [&] { return read_number(dir / kMemoryCurrent); },
      [&] { return read_number(dir / kUsageInBytes); });
}

std::optional<KernelPeak> read_kernel_peak(const std::filesystem::path& dir, Version version) {
  const auto read = [&](const char* file) -> std::optional<KernelPeak> {
    const auto bytes = read_number(dir / file);
    return bytes ? std::optional(KernelPeak{*bytes, file}) : std::nullopt;
  };
  return either(
      version, [&] { return read(kMemoryPeak); }, [&] { return read(kMaxUsageInBytes); });
}

std::optional<std::uint64_t> read_oom_kills(const std::filesystem::path& dir, Version version) {
  return either(
      version, [&] { return read_key(dir / kMemoryEvents, "oom_kill"); },
      [&] { return read_key(dir / kOomControl, "oom_kill"); });
}

std::optional<std::uint64_t> read_own_oom_kills(const std::filesystem::path& dir, Version version) {
  return either(
      version, [&] { return read_own_event(dir, "oom_kill", version); },
      [&] { return read_key(dir / kOomControl, "oom_kill"); });
}

std::optional<std::uint64_t> read_refused_charges(const std::filesystem::path& dir, Version version) {
  const auto by_events = read_own_event(dir, "max", version);
  if (by_events || version == Version::v2) return by_events;
  const auto hits = read_number(dir / kFailcnt);
  // Where memory and swap have a limit together, a charge is held against that one first.
  return hits ? std::optional(*hits + read_number(dir / kMemswFailcnt).value_or(0)) : hits;
}

std::optional<std::uint64_t> read_throttled_charges(const std::filesystem::path& dir, Version version) {
  return read_own_event(dir, "high", version);
}

std::optional<std::uint64_t> read_high_bytes(const std::filesystem::path& dir) {
  return read_number(dir / kMemoryHigh);
}

std::optional<OomControl> read_oom_control(const std::filesystem::path& dir) {
  const auto content = read_small_file(dir / kOomControl, kMaxFileBytes, Pieces::one);
  const auto disabled = content ? find_key(*content, "oom_kill_disable") : std::nullopt;
  if (!disabled) return std::nullopt;
  return OomControl{*disabled != 0, find_key(*content, "under_oom").value_or(0) != 0};
}

std::optional<std::uint64_t> read_pressure_ns(const std::filesystem::path& dir, Version version) {
  if (version == Version::v1) return std::nullopt;
  constexpr std::uint64_t kMicrosecond = 1'000;
  const auto content = read_small_file(dir / kMemoryPressure, kMaxFileBytes, Pieces::one);
  const auto total_us = content ? find_total(*content, "some") : std::nullopt;
  return total_us ? std::optional(*total_us * kMicrosecond) : std::nullopt;
}

std::vector<std::uint32_t> read_processes(const std::filesystem::path& dir) {
  std::vector<std::uint32_t> processes;
  const auto content = read_small_file(dir / kProcs, kMaxProcsBytes, Pieces::short_lines);
  if (!content) return processes;
  for (const std::string_view line : split(*content, '\n')) {
    const auto number = parse_number(line);
    if (number && *number != 0 && *number <= UINT32_MAX)
      processes.push_back(static_cast<std::uint32_t>(*number));
  }
  return processes;
}

std::optional<std::uint64_t> cgroup_inode(const std::filesystem::path& dir) {
  struct stat status {};
  if (stat(dir.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) return std::nullopt;
  return status.st_ino;
}

bool is_memcg(const std::filesystem::path& dir) {
  for (const char* file : {kMemoryCurrent, kMemoryMax, kUsageInBytes, kLimitInBytes}) {
    if (path_exists(dir / file)) return true;
  }
  return false;
}

}  // namespace memspike::cgroup
