#include "cli/stat_reader.h"

#include <algorithm>

#include "cgroup/files.h"
#include "cgroup/memory_stat.h"
#include "cli/clock.h"

namespace memspike::cli {
namespace {

constexpr std::uint64_t kRoundNs = 1'000'000'000;
constexpr std::uint64_t kTurnNs = 10'000'000;
constexpr int kReadsPerTurn = 16;
constexpr std::size_t kMaxBefore = 1024;
constexpr std::size_t kMaxOpen = 64;  // memcgs with three files each

report::MemoryStatRead reading_of(const cgroup::StatFiles::Reading& read) {
  return {0, monotonic_ns(), *read.usage_bytes, read.stat.parts, {}};
}

}  // namespace

const cgroup::StatFiles& StatReader::files_of(const report::Interpreter& interpreter,
                                              report::MemcgIndex memcg) {
  const auto known = files_.find(memcg);
  if (known != files_.end()) return known->second;
  if (files_.size() >= kMaxOpen) files_.clear();
  return files_.try_emplace(memcg, dir_of(interpreter.memcgs()[memcg].path)).first->second;
}

std::filesystem::path StatReader::dir_of(const std::string& path) const {
  return cgroup::memcg_dir(hierarchy_, path);
}

void StatReader::read(const cgroup::StatFiles& files, report::MemcgIndex memcg, std::uint64_t time_ns,
                      std::optional<bool> has_processes) {
  const auto read = files.read();
  if (!read) return;
  ++readings_;
  if (read->stat.inactive_file_bytes) {
    emit_(report::InactiveFileRead{memcg, time_ns, *read->stat.inactive_file_bytes});
  }
  if (!read->usage_bytes) return;
  report::MemoryStatRead reading = reading_of(*read);
  reading.memcg = memcg;
  reading.has_processes = has_processes;
  emit_(reading);
}

// Of a round: its files are opened for it, as those of all memcgs together may be too many.
void StatReader::read_whole(const report::Interpreter& interpreter, report::MemcgIndex memcg,
                            std::uint64_t time_ns) {
  const auto dir = dir_of(interpreter.memcgs()[memcg].path);
  read(cgroup::StatFiles(dir), memcg, time_ns, cgroup::read_has_processes(dir));
}

void StatReader::read_before(const std::string& path) {
  if (before_.size() >= kMaxBefore) return;
  const auto dir = dir_of(path);
  const auto read = cgroup::StatFiles(dir).read();
  if (!read) return;
  ++readings_;
  if (!read->usage_bytes) return;
  report::MemoryStatRead reading = reading_of(*read);
  reading.has_processes = cgroup::read_has_processes(dir);
  before_.insert_or_assign(path, reading);
}

void StatReader::read_at_birth(const report::Interpreter& interpreter, report::MemcgIndex memcg,
                               std::uint64_t born_ns) {
  const report::Interpreter::Memcg& born = interpreter.memcgs()[memcg];
  if (auto before = before_.extract(born.path); !before.empty() && born.description.in_target) {
    before.mapped().memcg = memcg;
    emit_(before.mapped());
  }
  if (born.description.in_target) read_whole(interpreter, memcg, born_ns);
}

void StatReader::see(const report::Interpreter& interpreter, const decode::Sample& sample,
                     std::uint64_t min_prominence_bytes) {
  for (const decode::Level& level : sample.path) {
    const auto memcg = interpreter.at_slot(level.slot);
    if (!memcg || !interpreter.memcgs()[*memcg].description.in_target) continue;
    if (triggers_.size() <= *memcg) triggers_.resize(*memcg + 1);
    composition::Trigger& trigger = triggers_[*memcg];
    const bool known = trigger.is_wanted();
    trigger.push(sample.time_ns, level.usage_bytes, min_prominence_bytes);
    if (trigger.is_wanted() && !known) wanted_.push_back(*memcg);
  }
}

void StatReader::read_wanted(const report::Interpreter& interpreter, std::uint64_t now_ns) {
  if (wanted_.empty()) return;
  if (now_ns >= wanted_turn_ns_) {
    wanted_turn_ns_ = now_ns + kTurnNs;
    wanted_left_ = kReadsPerTurn;
  }
  std::erase_if(wanted_, [&](report::MemcgIndex memcg) {
    composition::Trigger& trigger = triggers_[memcg];
    const bool gone = interpreter.memcgs()[memcg].gone;
    if (!gone && (wanted_left_ == 0 || !trigger.is_due(now_ns))) return false;
    if (!gone) {
      --wanted_left_;
      read(files_of(interpreter, memcg), memcg, now_ns, {});
    }
    trigger.taken(now_ns);
    return true;
  });
}

std::uint64_t StatReader::put_off() const {
  std::uint64_t sum = 0;
  for (const composition::Trigger& trigger : triggers_) sum += trigger.put_off();
  return sum;
}

void StatReader::read_due(const report::Interpreter& interpreter, std::uint64_t now_ns) {
  read_wanted(interpreter, now_ns);
  if (now_ns < turn_ns_) return;
  if (next_ == 0) {
    round_ns_ = now_ns;
    std::erase_if(files_, [&](const auto& open) { return interpreter.memcgs()[open.first].gone; });
  }
  int reads = 0;
  for (; next_ < interpreter.memcgs().size() && reads < kReadsPerTurn; ++next_) {
    const report::Interpreter::Memcg& memcg = interpreter.memcgs()[next_];
    if (memcg.gone || !memcg.description.in_target) continue;
    read_whole(interpreter, next_, now_ns);
    ++reads;
  }
  const bool done = next_ >= interpreter.memcgs().size();
  turn_ns_ = done ? std::max(round_ns_ + kRoundNs, now_ns + kTurnNs) : now_ns + kTurnNs;
  if (done) next_ = 0;
}

}  // namespace memspike::cli
