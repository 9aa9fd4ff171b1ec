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
constexpr std::size_t kMaxEnvironBytes = 1U << 17;
constexpr std::size_t kMaxMapsBytes = 4U << 20;

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

std::optional<std::uint32_t> parse_number(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// "42 (name) D …": the name may hold anything.
char parse_state(std::string_view stat) {
  const auto name_end = stat.rfind(") ");
  return name_end != std::string_view::npos && name_end + 2 < stat.size() ? stat[name_end + 2] : '?';
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

// "size resident shared text lib data dt".
std::optional<std::uint64_t> parse_own_pages(std::string_view statm) {
  const auto fields = cgroup::split(statm, ' ');
  if (fields.size() < 3) return std::nullopt;
  const auto resident = parse_number(fields[1]);
  const auto shared = parse_number(fields[2]);
  if (!resident || !shared) return std::nullopt;
  return *resident > *shared ? *resident - *shared : 0;
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
  std::string cmdline = cgroup::read_small_file(process / "cmdline", kMaxFileBytes).value_or("");
  // The same page of the kernel's serves this; where the environment may not be read, the arguments must do.
  const std::string environ = cgroup::read_small_file(process / "environ", kMaxEnvironBytes).value_or("");
  facts.runtime = runtime_of(cmdline, environ);
  // To list mappings takes longer than all else: only where the name says nothing, once a process, as a rule.
  if (!facts.runtime && (tgid == tid || is_called_as_jvms(facts.comm))) {
    const std::string maps = cgroup::read_small_file(process / "maps", kMaxMapsBytes).value_or("");
    if (maps_jvm(maps)) facts.runtime = runtime_of(cmdline, environ, true);
  }
  facts.cmdline = spaced(std::move(cmdline));
  return facts;
}

bool Reader::memory_is_short() const {
  constexpr std::uint64_t kLeastBytes = 128U << 20;
  const auto meminfo = cgroup::read_small_file(proc_ / "meminfo", kMaxFileBytes);
  const auto available = meminfo ? parse_meminfo(*meminfo, "MemAvailable") : std::nullopt;
  if (!available) return false;
  return *available < std::max(kLeastBytes, parse_meminfo(*meminfo, "MemTotal").value_or(0) / 64);
}

std::vector<std::uint32_t> Reader::sleeping_in(std::uint32_t tgid, std::string_view function) const {
  constexpr std::size_t kMaxThreads = 256;
  std::vector<std::uint32_t> sleeping;
  if (!usable_) return sleeping;
  const std::filesystem::path threads = proc_ / std::to_string(tgid) / "task";
  for (const cgroup::DirectoryEntry& thread : cgroup::list_directory(threads, kMaxThreads)) {
    const auto tid = parse_number(thread.name);
    const auto stat = cgroup::read_small_file(threads / thread.name / "stat", kMaxFileBytes);
    if (!tid || !stat || parse_state(*stat) != 'D') continue;
    const auto where = cgroup::read_small_file(threads / thread.name / "wchan", kMaxFileBytes);
    if (!where || where->empty() || *where == "0" || *where == function) sleeping.push_back(*tid);
  }
  return sleeping;
}

cgroup::SmallFile Reader::sizes_of(std::uint32_t tgid) const {
  return usable_ ? cgroup::SmallFile(proc_ / std::to_string(tgid) / "statm") : cgroup::SmallFile();
}

std::optional<std::uint64_t> Reader::own_bytes(const cgroup::SmallFile& sizes) {
  constexpr std::size_t kMaxStatmBytes = 256;
  const auto statm = sizes.read(kMaxStatmBytes, cgroup::Pieces::one);
  const auto pages = statm ? parse_own_pages(*statm) : std::nullopt;
  if (!pages) return std::nullopt;
  return *pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

bool Reader::has_ended(std::uint32_t tgid) const {
  if (!usable_) return false;
  return access((proc_ / std::to_string(tgid)).c_str(), F_OK) != 0 && errno == ENOENT;
}

}  // namespace memspike::process
