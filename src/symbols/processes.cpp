#include "symbols/processes.h"

#include <fcntl.h>
#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "cgroup/host_files.h"
#include "symbols/files_of_root.h"

namespace memspike::symbols {
namespace {

constexpr std::size_t kMaxProcesses = 4096;
constexpr std::size_t kMaxSnapshots = 8;   // of one process: exec, dlopen, a JIT's new regions
constexpr std::size_t kMaxPerfMaps = 128;  // open at the same time
constexpr std::size_t kMaxMapsBytes = std::size_t{16} << 20;
constexpr std::size_t kMaxPerfMapBytes = std::size_t{256} << 20;
// Broken stacks hold addresses that were never mapped: they must not make us read all the time.
constexpr std::uint64_t kFirstWaitNs = 5'000'000;
constexpr std::uint64_t kLongestWaitNs = 1'000'000'000;
// A program is not asked any more when it did not change between two readings after its first 35 ms.
constexpr std::uint64_t kSettledWaitNs = 80'000'000;

}  // namespace

Processes::Processes(const std::filesystem::path& host_root, Modules& modules)
    : proc_(host_root / "proc"), modules_(modules) {}

const Processes::Located* Processes::find(const Snapshot& snapshot, std::uint64_t address) {
  auto after =
      std::upper_bound(snapshot.begin(), snapshot.end(), address,
                       [](std::uint64_t at, const Located& located) { return at < located.mapping.start; });
  if (after == snapshot.begin()) return nullptr;
  --after;
  return address < after->mapping.end ? &*after : nullptr;
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

void Processes::want(std::uint32_t tgid, Process& process) {
  if (process.is_due) return;
  process.is_due = true;
  due_.push_back(tgid);
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
  if (change == Change::none) ++process.calm_readings;
  const bool is_calm = process.calm_readings > 1 && process.wait_ns >= kSettledWaitNs;
  const bool is_settled = is_calm || process.wait_ns == kLongestWaitNs;
  if (change != Change::gone && !is_settled) want(tgid, process);
}

Processes::Change Processes::take_snapshot(std::uint32_t tgid, Process& process) {
  const std::filesystem::path dir = proc_ / std::to_string(tgid);
  const auto maps = cgroup::read_small_file(dir / "maps", kMaxMapsBytes);
  if (!maps || maps->empty()) return Change::gone;
  std::shared_ptr<UniqueFd> root;
  Snapshot snapshot;
  bool has_anonymous = false;
  for (Mapping& mapping : parse_maps(*maps)) {
    const auto module = module_of(mapping, dir, root);
    has_anonymous = has_anonymous || !module;
    snapshot.push_back({std::move(mapping), module});
  }
  const bool wants_perf_map = has_anonymous && !process.perf_map && perf_maps_ < kMaxPerfMaps;
  if (wants_perf_map) {
    const auto status = cgroup::read_small_file(dir / "status", kMaxMapsBytes);
    const std::uint32_t pid = (status ? parse_namespace_pid(*status) : std::nullopt).value_or(tgid);
    if (root == nullptr) {
      root = std::make_shared<UniqueFd>(open((dir / "root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    }
    process.perf_map = open_in_root(root->get(), fmt::format("/tmp/perf-{}.map", pid));
    if (process.perf_map) ++perf_maps_;
  }
  if (!process.snapshots.empty() && process.snapshots.back() == snapshot) return Change::none;
  if (process.snapshots.size() == kMaxSnapshots) process.snapshots.erase(process.snapshots.begin());
  process.snapshots.push_back(std::move(snapshot));
  return Change::some;
}

// The mapped file itself, whatever its path leads to by now; else what the path leads to, in the
// process's own root.
std::optional<std::uint32_t> Processes::module_of(const Mapping& mapping, const std::filesystem::path& dir,
                                                  std::shared_ptr<UniqueFd>& root) {
  if (mapping.inode == 0 && mapping.path != "[vdso]") return std::nullopt;
  if (const auto known = modules_.find(mapping)) return known;
  if (mapping.inode == 0 || !modules_.may_open_more()) return modules_.add(mapping, {}, nullptr);
  if (root == nullptr) {
    root = std::make_shared<UniqueFd>(open((dir / "root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  const auto mapped = dir / "map_files" / fmt::format("{:x}-{:x}", mapping.start, mapping.end);
  UniqueFd file = open_regular(mapped.string());
  if (!file) file = open_in_root(root->get(), mapping.path);
  return modules_.add(mapping, std::move(file), root);
}

Processes::Place Processes::locate(std::uint32_t tgid, std::uint64_t address) const {
  const auto process = processes_.find(tgid);
  if (process == processes_.end()) return {};
  const auto& snapshots = process->second.snapshots;
  for (auto snapshot = snapshots.rbegin(); snapshot != snapshots.rend(); ++snapshot) {
    if (const Located* located = find(*snapshot, address)) {
      return {located->module, true, address - located->mapping.start + located->mapping.file_offset};
    }
  }
  return {};
}

std::optional<std::string> Processes::jit_function(std::uint32_t tgid, std::uint64_t address) {
  const auto found = processes_.find(tgid);
  if (found == processes_.end() || !found->second.perf_map) return std::nullopt;
  Process& process = found->second;
  if (process.jit == nullptr) {
    process.jit = std::make_unique<SymbolTable>();
    parse_perf_map(read_all(process.perf_map.get(), kMaxPerfMapBytes), *process.jit);
    process.jit->seal();
  }
  const auto name = process.jit->find(address);
  return name ? std::optional<std::string>(*name) : std::nullopt;
}

}  // namespace memspike::symbols
