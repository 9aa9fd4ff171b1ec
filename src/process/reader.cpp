#include "process/reader.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <string>
#include <utility>

#include "cgroup/host_files.h"
#include "cgroup/text.h"

namespace memspike::process {
namespace {

constexpr std::size_t kMaxFileBytes = 1U << 20;  // of a command line; its first part is kept
constexpr std::size_t kKeptCmdlineBytes = 256;

// PROC_PID_INIT_INO of include/linux/proc_ns.h: the namespace whose numbers BPF programs see.
constexpr ino_t kInitialPidNamespace = 0xEFFFFFFC;

std::optional<ino_t> inode_of(const std::filesystem::path& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return std::nullopt;
  return status.st_ino;
}

bool numbers_are_the_kernels(const std::filesystem::path& host_root) {
  if (const auto inode = inode_of(host_root / "proc/1/ns/pid")) return *inode == kInitialPidNamespace;
  if (host_root != "/") return true;  // mounted there for this very purpose
  const auto own = inode_of("/proc/self/ns/pid");
  return !own || *own == kInitialPidNamespace;
}

std::string without_newline(std::string text) {
  if (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

std::string spaced(std::string arguments) {
  while (!arguments.empty() && arguments.back() == '\0') arguments.pop_back();
  std::replace(arguments.begin(), arguments.end(), '\0', ' ');
  if (arguments.size() > kKeptCmdlineBytes) arguments.resize(kKeptCmdlineBytes);
  return arguments;
}

}  // namespace

std::optional<std::uint64_t> parse_start_ticks(std::string_view stat) {
  // The second field is the name in parentheses, which may hold anything: count from its end.
  constexpr std::size_t kFieldsFromName = 20;
  const auto name_end = stat.rfind(')');
  if (name_end == std::string_view::npos) return std::nullopt;
  const auto fields = cgroup::split(stat.substr(name_end + 1), ' ');
  if (fields.size() < kFieldsFromName) return std::nullopt;
  const std::string_view field = fields[kFieldsFromName - 1];
  std::uint64_t ticks = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), ticks);
  if (error != std::errc{} || end != field.data() + field.size()) return std::nullopt;
  return ticks;
}

std::optional<std::uint64_t> parse_meminfo(std::string_view meminfo, std::string_view name) {
  constexpr std::uint64_t kUnitBytes = 1024;  // "kB"
  for (const std::string_view line : cgroup::split(meminfo, '\n')) {
    if (line.substr(0, name.size()) != name || line.substr(name.size(), 1) != ":") continue;
    const auto begin = line.find_first_not_of(' ', name.size() + 1);
    if (begin == std::string_view::npos) return std::nullopt;
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(line.data() + begin, line.data() + line.size(), number);
    return error == std::errc{} ? std::optional(number * kUnitBytes) : std::nullopt;
  }
  return std::nullopt;
}

Reader::Reader(const std::filesystem::path& host_root)
    : proc_(host_root / "proc"), usable_(numbers_are_the_kernels(host_root)) {}

std::optional<ThreadFacts> Reader::read(std::uint32_t tgid, std::uint32_t tid, const ThreadFacts* known,
                                        bool settled) const {
  if (!usable_) return std::nullopt;
  const std::filesystem::path process = proc_ / std::to_string(tgid);
  const std::filesystem::path thread = process / "task" / std::to_string(tid);
  const auto stat = cgroup::read_small_file(thread / "stat", kMaxFileBytes);
  const auto ticks = stat ? parse_start_ticks(*stat) : std::nullopt;
  if (!ticks) return std::nullopt;
  ThreadFacts facts;
  facts.tgid = tgid;
  facts.tid = tid;
  facts.start_ticks = *ticks;
  facts.comm = without_newline(cgroup::read_small_file(thread / "comm", kMaxFileBytes).value_or(""));
  const bool stands =
      known != nullptr && known->start_ticks == facts.start_ticks && known->comm == facts.comm;
  if (stands && (settled || memory_is_short())) return *known;
  facts.cmdline = spaced(cgroup::read_small_file(process / "cmdline", kMaxFileBytes).value_or(""));
  return facts;
}

bool Reader::memory_is_short() const {
  constexpr std::uint64_t kLeastBytes = 128U << 20;
  const auto meminfo = cgroup::read_small_file(proc_ / "meminfo", kMaxFileBytes);
  const auto available = meminfo ? parse_meminfo(*meminfo, "MemAvailable") : std::nullopt;
  if (!available) return false;
  return *available < std::max(kLeastBytes, parse_meminfo(*meminfo, "MemTotal").value_or(0) / 64);
}

bool Reader::has_ended(std::uint32_t tgid) const {
  if (!usable_) return false;
  return access((proc_ / std::to_string(tgid)).c_str(), F_OK) != 0 && errno == ENOENT;
}

}  // namespace memspike::process
