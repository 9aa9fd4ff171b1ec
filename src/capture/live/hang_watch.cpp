#include "capture/live/hang_watch.h"

#include <unistd.h>

#include <algorithm>

#include "base/charge_batch.h"
#include "cgroup/files.h"
#include "cgroup/text.h"

namespace memspike::capture {
namespace {

constexpr std::uint64_t kPeriodNs = 100'000'000;
// All are gone through so often: who is near its limit is seen as its counter moves, but for who stood there
// from the beginning, or had its limit lowered.
constexpr std::uint64_t kSearchNs = 1'000'000'000;
constexpr std::string_view kWhere = "mem_cgroup_oom_synchronize";
constexpr std::size_t kMaxTasks = 64;       // told of one memcg
constexpr std::size_t kMaxProcesses = 256;  // asked for them

bool is_near(std::uint64_t usage_bytes, OptionalBytes limit_bytes) {
  static const std::uint64_t kBatchBytes =
      charge_batch_bytes(static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)));
  return limit_bytes && usage_bytes + kBatchBytes >= *limit_bytes;
}

// Its own limit leaves less than a page's batch. What is full above the target's roots is seen in them.
bool may_hang(const Living& memcg) {
  if (!memcg.description.in_target || !memcg.last) return false;
  return !memcg.parent || is_near(memcg.last->usage_bytes, memcg.last->limit_bytes);
}

bool hangs(const std::filesystem::path& dir) {
  const auto control = cgroup::read_oom_control(dir);
  return control && control->killer_disabled && control->under_oom;
}

// A memcg and those below it.
template <class Visit>
void each_below(const Census& census, const std::string& path, Visit visit) {
  for (const auto& [index, memcg] : census.all()) {
    if (cgroup::is_below(memcg.path, path)) visit(memcg);
  }
}

}  // namespace

// The highest one on the way up whose tasks all wait: the one that is full.
std::optional<std::string> HangWatch::full_above(const std::string& path) const {
  std::optional<std::string> full;
  for (std::string above = cgroup::parent_path(path); above != "/"; above = cgroup::parent_path(above)) {
    if (!hangs(cgroup::memcg_dir(hierarchy_, above))) break;
    full = above;
  }
  return full;
}

void HangWatch::tell_of(facts::MemcgIndex memcg, const std::string& path, Hang& hang, const Emit& emit) {
  facts::TasksHung hung{memcg, hang.since_ns, false, hang.limit_path, {}};
  std::size_t asked = 0;
  each_below(census_, path, [&](const Living& below) {
    for (const std::uint32_t pid : cgroup::read_processes(cgroup::memcg_dir(hierarchy_, below.path))) {
      if (++asked > kMaxProcesses || hung.tasks.size() >= kMaxTasks) return;
      for (const std::uint32_t tid : proc_.sleeping_in(pid, kWhere)) hung.tasks.push_back({pid, tid});
    }
  });
  if (hang.told && hung.tasks.size() <= hang.told_tasks) return;
  hang.told = true;
  hang.told_tasks = hung.tasks.size();
  emit(hung);
}

void HangWatch::look(facts::MemcgIndex memcg, const std::string& path, std::uint64_t now_ns,
                     const Emit& emit) {
  const auto known = hangs_.find(memcg);
  if (!hangs(cgroup::memcg_dir(hierarchy_, path))) {
    if (known == hangs_.end()) return;
    if (known->second.told) emit(facts::TasksHung{memcg, now_ns, true, {}, {}});
    hangs_.erase(known);
    return;
  }
  if (known != hangs_.end()) return tell_of(memcg, path, known->second, emit);
  // The last thing that a task does before it goes to sleep is to reclaim in vain.
  std::uint64_t since_ns = 0;
  each_below(census_, path, [&](const Living& below) { since_ns = std::max(since_ns, below.last_stall_ns); });
  const bool recent = since_ns + 2 * kPeriodNs >= now_ns;
  hangs_[memcg] = {recent ? since_ns : now_ns, full_above(path), false, 0};
}

void HangWatch::on_reading(const Reading& reading) {
  if (!hierarchy_.memory_is_v2 && is_near(reading.usage_bytes, reading.limit_bytes))
    near_.insert(reading.memcg);
}

void HangWatch::find_near() {
  for (const auto& [index, memcg] : census_.all()) {
    if (may_hang(memcg)) near_.insert(index);
  }
}

void HangWatch::poll(std::uint64_t now_ns, const Emit& emit) {
  if (hierarchy_.memory_is_v2 || now_ns < next_ns_) return;
  next_ns_ = now_ns + kPeriodNs;
  if (now_ns >= next_search_ns_) {
    next_search_ns_ = now_ns + kSearchNs;
    find_near();
  }
  std::erase_if(near_, [&](facts::MemcgIndex index) {
    const Living* memcg = census_.find(index);
    if (memcg == nullptr || !(hangs_.contains(index) || may_hang(*memcg))) return true;
    look(index, memcg->path, now_ns, emit);
    return false;
  });
  std::erase_if(hangs_, [this](const auto& hang) { return census_.find(hang.first) == nullptr; });
}

}  // namespace memspike::capture
