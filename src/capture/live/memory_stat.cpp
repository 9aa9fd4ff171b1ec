#include "capture/live/memory_stat.h"

#include <algorithm>
#include <variant>

#include "cgroup/files.h"
#include "process/clock.h"

namespace memspike::capture {
namespace {

constexpr std::uint64_t kRoundNs = 1'000'000'000;
constexpr std::uint64_t kTurnNs = 10'000'000;
constexpr int kReadsPerTurn = 16;
constexpr std::size_t kMaxBefore = 1024;

facts::MemoryStatRead reading_of(const cgroup::StatFiles::Reading& read) {
  return {0, monotonic_ns(), *read.usage_bytes, read.stat.parts, {}, read.stat.reclaimable_file_bytes};
}

}  // namespace

std::filesystem::path MemoryStat::dir_of(const std::string& path) const {
  return cgroup::memcg_dir(hierarchy_, path);
}

void MemoryStat::read(const cgroup::StatFiles& files, facts::MemcgIndex memcg, std::uint64_t time_ns,
                      std::optional<bool> has_processes, const Emit& emit) {
  const auto read = files.read();
  if (!read) return;
  ++readings_;
  if (read->stat.inactive_file_bytes) {
    emit(facts::InactiveFileRead{memcg, time_ns, *read->stat.inactive_file_bytes});
  }
  if (!read->usage_bytes) return;
  facts::MemoryStatRead reading = reading_of(*read);
  reading.memcg = memcg;
  reading.has_processes = has_processes;
  emit(reading);
}

// Of a round: its files are opened for it unless they are open, as those of all memcgs together may be too
// many.
void MemoryStat::read_whole(facts::MemcgIndex memcg, const std::string& path, std::uint64_t time_ns,
                            const Emit& emit) {
  const auto dir = dir_of(path);
  if (spares_) read_[memcg].whole_ns = time_ns;
  read_high(memcg, dir, time_ns, emit);
  const std::optional<bool> has_processes = cgroup::read_has_processes(dir);
  if (const cgroup::StatFiles* open = files_.find(memcg))
    return read(*open, memcg, time_ns, has_processes, emit);
  read(cgroup::StatFiles(dir, hierarchy_.version()), memcg, time_ns, has_processes, emit);
}

void MemoryStat::read_high(facts::MemcgIndex memcg, const std::filesystem::path& dir, std::uint64_t time_ns,
                           const Emit& emit) {
  if (!hierarchy_.memory_is_v2) return;
  const auto high_bytes = cgroup::read_high_bytes(dir);
  const auto told = high_bytes_.find(memcg);
  const bool same = told != high_bytes_.end() ? high_bytes == told->second : !high_bytes;
  if (same) return;
  if (high_bytes) {
    high_bytes_[memcg] = *high_bytes;
  } else {
    high_bytes_.erase(told);
  }
  emit(facts::HighSet{memcg, time_ns, high_bytes});
}

void MemoryStat::before_tracking(const std::string& path) {
  if (before_.size() >= kMaxBefore) return;
  const auto dir = dir_of(path);
  const auto read = cgroup::StatFiles(dir, hierarchy_.version()).read();
  if (!read) return;
  ++readings_;
  if (!read->usage_bytes) return;
  facts::MemoryStatRead reading = reading_of(*read);
  reading.has_processes = cgroup::read_has_processes(dir);
  before_.insert_or_assign(path, reading);
}

void MemoryStat::on_fact(const facts::Fact& fact, const Emit& emit) {
  if (const auto* gone = std::get_if<facts::MemcgGone>(&fact)) return forget(gone->memcg);
  const auto* born = std::get_if<facts::MemcgFound>(&fact);
  if (born == nullptr || !born->description.in_target) return;
  if (auto before = before_.extract(born->path); !before.empty()) {
    before.mapped().memcg = born->memcg;
    emit(before.mapped());
  } else if (spares_) {
    // It is new, and has little. A round comes within a second; a pod's sum has time.
    read_[born->memcg].whole_ns = born->time_ns;
    return;
  }
  read_whole(born->memcg, born->path, born->time_ns, emit);
}

void MemoryStat::forget(facts::MemcgIndex memcg) {
  files_.forget(memcg);
  read_.erase(memcg);
  high_bytes_.erase(memcg);
  const auto trigger = triggers_.find(memcg);
  if (trigger == triggers_.end()) return;
  put_off_of_gone_ += trigger->second.put_off();
  triggers_.erase(trigger);
  std::erase(wanted_, memcg);
}

// A pod, and what holds pods, moves with what is below, and consists of that.
bool MemoryStat::is_sum(const Living& living) {
  return living.children > 0 && living.description.role != facts::Role::container;
}

void MemoryStat::on_reading(const Reading& reading) {
  composition::Trigger& trigger = triggers_[reading.memcg];
  const bool known = trigger.is_wanted();
  const Living* living = census_.find(reading.memcg);
  if (!spares_ || living == nullptr || !is_sum(*living))
    trigger.push(reading.time_ns, reading.usage_bytes, reading.rise_bytes);
  const auto limit = reading.limit_bytes;
  if (limit && reading.usage_bytes >= *limit - *limit / 16) trigger.push_at_limit(reading.time_ns);
  if (trigger.is_wanted() && !known) wanted_.push_back(reading.memcg);
}

void MemoryStat::read_wanted(std::uint64_t now_ns, const Emit& emit) {
  if (wanted_.empty()) return;
  if (now_ns >= wanted_turn_ns_) {
    wanted_turn_ns_ = now_ns + kTurnNs;
    wanted_left_ = kReadsPerTurn;
  }
  std::erase_if(wanted_, [&](facts::MemcgIndex memcg) {
    composition::Trigger& trigger = triggers_[memcg];
    if (wanted_left_ == 0 || !trigger.is_due(now_ns)) return false;
    if (spares_ && !of_wishes_.take(now_ns)) return false;
    --wanted_left_;
    if (const Living* living = census_.find(memcg)) {
      const auto open = [&] { return cgroup::StatFiles(dir_of(living->path), hierarchy_.version()); };
      read(files_.get(memcg, open), memcg, now_ns, {}, emit);
      if (spares_) read_[memcg].triggered_ns = now_ns;
    }
    trigger.taken(now_ns);
    return true;
  });
}

std::uint64_t MemoryStat::put_off() const {
  std::uint64_t sum = put_off_of_gone_;
  for (const auto& [memcg, trigger] : triggers_) sum += trigger.put_off();
  return sum;
}

bool MemoryStat::rests(facts::MemcgIndex memcg, const Living& living, std::uint64_t now_ns) const {
  if (!spares_) return false;
  const auto read = read_.find(memcg);
  const std::uint64_t moved_ns = living.last ? living.last->time_ns : 0;
  return read != read_.end() && !composition::is_reading_due(now_ns, read->second, moved_ns, is_sum(living));
}

void MemoryStat::poll(std::uint64_t now_ns, const Emit& emit) {
  read_wanted(now_ns, emit);
  if (now_ns < turn_ns_) return;
  if (next_ == 0) round_ns_ = now_ns;
  int reads = 0;
  auto living = census_.all().lower_bound(next_);
  for (; living != census_.all().end() && reads < kReadsPerTurn; ++living) {
    if (!living->second.description.in_target || rests(living->first, living->second, now_ns)) continue;
    if (spares_ && !of_rounds_.take(now_ns)) break;
    read_whole(living->first, living->second.path, now_ns, emit);
    ++reads;
  }
  const bool done = living == census_.all().end();
  turn_ns_ = done ? std::max(round_ns_ + kRoundNs, now_ns + kTurnNs) : now_ns + kTurnNs;
  next_ = done ? 0 : living->first;
}

}  // namespace memspike::capture
