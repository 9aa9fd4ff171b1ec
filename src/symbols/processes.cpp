#include "symbols/processes.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "cgroup/host_files.h"
#include "symbols/files_of_root.h"

namespace memspike::symbols {
namespace {

constexpr std::size_t kMaxProcesses = 4096;
constexpr std::size_t kMaxSnapshots = 8;   // of one process: exec, dlopen, a JIT's new regions
constexpr std::size_t kMaxPerfMaps = 128;  // open at the same time
constexpr std::size_t kMaxMapsBytes = std::size_t{16} << 20;
// Of all processes together; 32 bytes each.
constexpr std::size_t kMaxMappingsKept = std::size_t{1} << 20;
// Broken stacks hold addresses that were never mapped: they must not make us read all the time.
constexpr std::uint64_t kFirstWaitNs = 5'000'000;
constexpr std::uint64_t kLongestWaitNs = 1'000'000'000;
// But where a thread runs there is code: a JIT's, a library's that was loaded since. A program may be over in
// less than the wait; one that makes code all the time has so many readings ahead.
constexpr int kMostAtOnce = 16;
// A program is not asked any more when it did not change between two readings after its first 35 ms.
constexpr std::uint64_t kSettledWaitNs = 80'000'000;

std::shared_ptr<UniqueFd> root_of(const std::filesystem::path& dir) {
  return std::make_shared<UniqueFd>(open((dir / "root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
}

}  // namespace

Processes::Processes(const std::filesystem::path& host_root, Modules& modules)
    : proc_(host_root / "proc"), modules_(modules) {}

const Processes::Located* Processes::find(const Snapshot& snapshot, std::uint64_t address) {
  auto after = std::upper_bound(snapshot.begin(), snapshot.end(), address,
                                [](std::uint64_t at, const Located& located) { return at < located.start; });
  if (after == snapshot.begin()) return nullptr;
  --after;
  return address < after->end ? &*after : nullptr;
}

void Processes::see(std::uint32_t tgid, std::span<const std::uint64_t> addresses, std::uint64_t now_ns) {
  const auto known = processes_.find(tgid);
  if (known == processes_.end() && processes_.size() >= kMaxProcesses) return;
  Process& process = known == processes_.end() ? processes_[tgid] : known->second;
  if (process.wait_ns == 0) return read(tgid, process, now_ns);
  const bool all_known = !process.snapshots.empty() &&
                         std::all_of(addresses.begin(), addresses.end(), [&](std::uint64_t address) {
                           return find(process.snapshots.back(), address) != nullptr;
                         });
  if (all_known) return;
  if (now_ns < process.next_ns) {
    want(tgid, process);
  } else {
    read(tgid, process, now_ns);
  }
}

void Processes::see_running(std::uint32_t tgid, std::uint64_t address, std::uint64_t now_ns) {
  const auto known = processes_.find(tgid);
  const bool may_read = known != processes_.end() && !known->second.is_gone &&
                        known->second.read_at_once < kMostAtOnce &&
                        now_ns >= known->second.read_ns + kFirstWaitNs;
  if (!may_read || locate(tgid, address).is_mapped) return see(tgid, std::span(&address, 1), now_ns);
  ++known->second.read_at_once;
  read(tgid, known->second, now_ns);
}

void Processes::want(std::uint32_t tgid, Process& process) {
  if (process.is_due) return;
  process.is_due = true;
  due_.push_back(tgid);
}

void Processes::want(std::uint32_t tgid) {
  const auto known = processes_.find(tgid);
  if (known != processes_.end()) want(tgid, known->second);
}

void Processes::read_now(std::uint32_t tgid, std::uint64_t now_ns) {
  const auto known = processes_.find(tgid);
  if (known != processes_.end() && !known->second.is_gone) read(tgid, known->second, now_ns);
}

std::uint64_t Processes::read_ns(std::uint32_t tgid) const {
  const auto known = processes_.find(tgid);
  return known == processes_.end() ? 0 : known->second.read_ns;
}

bool Processes::is_alive(std::uint32_t tgid) const {
  const auto known = processes_.find(tgid);
  return known != processes_.end() && !known->second.is_gone;
}

void Processes::read_due(std::uint64_t now_ns) {
  for (const std::uint32_t tgid : std::exchange(due_, {})) {
    Process& process = processes_.at(tgid);
    if (!process.is_due) continue;
    if (now_ns < process.next_ns) {
      due_.push_back(tgid);
    } else {
      read(tgid, process, now_ns);
    }
  }
}

void Processes::read(std::uint32_t tgid, Process& process, std::uint64_t now_ns) {
  process.is_due = false;
  // The first reading may have met a process in exec: the second one need not wait.
  process.next_ns = now_ns + process.wait_ns;
  process.wait_ns = std::clamp(process.wait_ns * 2, kFirstWaitNs, kLongestWaitNs);
  const Change change = take_snapshot(tgid, process);
  process.read_ns = now_ns;
  process.is_gone = change == Change::gone;
  if (change == Change::none) ++process.calm_readings;
  const bool is_calm = process.calm_readings > 1 && process.wait_ns >= kSettledWaitNs;
  const bool is_settled = is_calm || process.wait_ns == kLongestWaitNs;
  if (change != Change::gone && !is_settled) want(tgid, process);
}

Processes::Change Processes::take_snapshot(std::uint32_t tgid, Process& process) {
  const std::filesystem::path dir = proc_ / std::to_string(tgid);
  errno = 0;
  const auto maps = cgroup::read_small_file(dir / "maps", kMaxMapsBytes);
  if (!maps && (errno == EACCES || errno == EPERM) && process.snapshots.empty()) ++refused_;
  if (!maps || maps->empty()) return Change::gone;
  std::shared_ptr<UniqueFd> root;
  Snapshot snapshot;
  bool has_anonymous = false;
  for (const Mapping& mapping : parse_maps(*maps)) {
    const std::uint32_t module = module_of(mapping, dir, root);
    has_anonymous = has_anonymous || module == kNoModule;
    snapshot.push_back({mapping.start, mapping.end, mapping.file_offset, module});
  }
  if (has_anonymous) want_perf_map(tgid, process, root);
  return keep(process, std::move(snapshot));
}

void Processes::want_perf_map(std::uint32_t tgid, Process& process, std::shared_ptr<UniqueFd>& root) {
  const bool may_come =
      process.perf_map == nullptr || (process.perf_map->is_settled() && process.perf_map->fd() < 0);
  if (!may_come || perf_maps_ >= kMaxPerfMaps) return;
  const std::filesystem::path dir = proc_ / std::to_string(tgid);
  const auto status = cgroup::read_small_file(dir / "status", kMaxMapsBytes);
  const std::uint32_t pid = (status ? parse_namespace_pid(*status) : std::nullopt).value_or(tgid);
  if (root == nullptr) root = root_of(dir);
  process.perf_map = opener_.open({"", root, fmt::format("/tmp/perf-{}.map", pid)});
  if (process.perf_map->fd() >= 0) ++perf_maps_;
}

Processes::Change Processes::keep(Process& process, Snapshot snapshot) {
  std::vector<Snapshot>& kept = process.snapshots;
  if (!kept.empty() && kept.back() == snapshot) return Change::none;
  const auto is_too_much = [&] { return mappings_kept_ + snapshot.size() > kMaxMappingsKept; };
  while (!kept.empty() && (kept.size() == kMaxSnapshots || is_too_much())) {
    mappings_kept_ -= kept.front().size();
    kept.erase(kept.begin());
  }
  if (is_too_much()) return Change::none;
  mappings_kept_ += snapshot.size();
  kept.push_back(std::move(snapshot));
  return Change::some;
}

// The mapped file itself, whatever its path leads to by now; else what the path leads to, in the
// process's own root.
std::uint32_t Processes::module_of(const Mapping& mapping, const std::filesystem::path& dir,
                                   std::shared_ptr<UniqueFd>& root) {
  if (mapping.inode == 0 && mapping.path != "[vdso]") return kNoModule;
  if (const auto known = modules_.find(mapping)) return *known;
  if (mapping.inode == 0 || !modules_.may_open_more()) {
    return modules_.add(mapping, nullptr, nullptr).value_or(kNoModule);
  }
  if (root == nullptr) root = root_of(dir);
  const auto mapped = dir / "map_files" / fmt::format("{:x}-{:x}", mapping.start, mapping.end);
  return modules_.add(mapping, opener_.open({mapped.string(), root, mapping.path}), root).value_or(kNoModule);
}

Processes::Place Processes::locate(std::uint32_t tgid, std::uint64_t address) const {
  const auto process = processes_.find(tgid);
  if (process == processes_.end()) return {};
  const auto& snapshots = process->second.snapshots;
  for (auto snapshot = snapshots.rbegin(); snapshot != snapshots.rend(); ++snapshot) {
    if (const Located* located = find(*snapshot, address)) {
      const bool has_file = located->module != kNoModule;
      return {has_file ? std::optional(located->module) : std::nullopt, true,
              address - located->start + located->file_offset};
    }
  }
  return {};
}

int Processes::perf_map(std::uint32_t tgid) const {
  const auto found = processes_.find(tgid);
  return found == processes_.end() || found->second.perf_map == nullptr ? -1 : found->second.perf_map->fd();
}

}  // namespace memspike::symbols
