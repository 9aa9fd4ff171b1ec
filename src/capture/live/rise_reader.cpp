#include "capture/live/rise_reader.h"

#include <algorithm>
#include <variant>

#include "cgroup/files.h"

namespace memspike::capture {
namespace {

// Where nobody grew it is looked at less and less often: of 500 that sleep, one look a second each is three
// files opened 500 times. How its processes share what it has may have changed by then, and that is all that
// is old.
constexpr std::uint64_t kLookAgainNs = 1'000'000'000;
constexpr std::uint64_t kRarestLookNs = 16'000'000'000;
constexpr std::uint64_t kListAgainNs = 1'000'000'000;
constexpr std::uint64_t kStandsBytes = 64 * 1024;
constexpr std::uint64_t kRestNs = 120'000'000'000;
constexpr std::uint64_t kBareNs = 5'000'000'000;
constexpr std::uint64_t kWhileRisingNs = 10'000'000;
constexpr std::size_t kMaxReadProcesses = 128;  // of one memcg: some 10 us each
constexpr int kLooksPerTurn = 16;
constexpr std::size_t kMaxGrown = 4096;

}  // namespace

void RiseReader::on_reading(const Reading& reading) {
  // Its own processes: those of the memcgs below have looks of their own.
  if (!is_needed_ || !reading.is_own) return;
  // Where its pages tell who rose. Later that begins anew.
  const Living* living = census_.find(reading.memcg);
  if (living != nullptr && living->is_closer) return forget(reading.memcg);
  // Kubelet puts no process into a pod's own cgroup.
  if (spares_ && living != nullptr && living->description.role == facts::Role::pod) return;
  const auto [place, is_new] = watched_.try_emplace(reading.memcg);
  Watched& watched = place->second;
  if (is_new) due_.emplace(watched.due_ns, reading.memcg);
  const std::uint64_t usage = reading.usage_bytes;
  watched.seen_bytes = usage;
  const std::uint64_t moved =
      usage > watched.read_bytes ? usage - watched.read_bytes : watched.read_bytes - usage;
  // Where it has fallen, the next rise begins from there.
  if (moved <= reading.rise_bytes / 2 || reading.time_ns < watched.bare_until_ns) return;
  schedule(reading.memcg, watched, std::min(watched.due_ns, reading.time_ns));
}

void RiseReader::on_fact(const facts::Fact& fact, const Emit&) {
  if (const auto* gone = std::get_if<facts::MemcgGone>(&fact)) forget(gone->memcg);
}

void RiseReader::forget(facts::MemcgIndex memcg) {
  const auto known = watched_.find(memcg);
  if (known == watched_.end()) return;
  due_.erase({known->second.due_ns, memcg});
  usages_.forget(memcg);
  watched_.erase(known);
}

void RiseReader::schedule(facts::MemcgIndex memcg, Watched& watched, std::uint64_t due_ns) {
  if (due_ns == watched.due_ns) return;
  due_.erase({watched.due_ns, memcg});
  watched.due_ns = due_ns;
  due_.emplace(due_ns, memcg);
}

// Its counter stands where it was read: so do its processes, but for what they hand to one another.
bool RiseReader::rests(const Watched& watched, std::uint64_t now_ns) const {
  const std::uint64_t moved =
      std::max(watched.seen_bytes, watched.read_bytes) - std::min(watched.seen_bytes, watched.read_bytes);
  return spares_ && watched.looked_ns != 0 && moved <= kStandsBytes && now_ns < watched.looked_ns + kRestNs;
}

void RiseReader::list(const std::filesystem::path& dir, Watched& watched, std::uint64_t now_ns) const {
  watched.listed_ns = now_ns;
  watched.processes = cgroup::read_processes(dir);
  if (watched.processes.size() > kMaxReadProcesses) watched.processes.resize(kMaxReadProcesses);
}

std::uint64_t RiseReader::usage_of(facts::MemcgIndex memcg, const std::filesystem::path& dir,
                                   const Watched& watched) {
  if (watched.processes.empty()) return watched.seen_bytes;  // nobody to grow with it
  const cgroup::SmallFile& file =
      usages_.get(memcg, [&] { return cgroup::SmallFile(dir / cgroup::usage_file(hierarchy_.version())); });
  return cgroup::read_number(file).value_or(watched.seen_bytes);
}

// The list of processes is old where one came since: it is read anew each second, and where those in it do
// not explain the rise.
std::vector<process::Size> RiseReader::grown_in(facts::MemcgIndex memcg, const Living& living,
                                                Watched& watched, std::uint64_t now_ns) {
  const auto dir = cgroup::memcg_dir(hierarchy_, living.path);
  const bool is_old = now_ns >= watched.listed_ns + kListAgainNs;
  if (is_old) list(dir, watched, now_ns);
  std::vector<process::Size> sizes = sizes_.read(watched.processes);
  std::uint64_t usage_bytes = usage_of(memcg, dir, watched);
  if (!is_old && watched.growth.is_unexplained(sizes, usage_bytes)) {
    list(dir, watched, now_ns);
    sizes = sizes_.read(watched.processes);
    usage_bytes = usage_of(memcg, dir, watched);
  }
  watched.read_bytes = usage_bytes;
  return watched.growth.grown(sizes, usage_bytes);
}

void RiseReader::read(facts::MemcgIndex memcg, const Living& living, Watched& watched, std::uint64_t now_ns) {
  watched.looked_ns = now_ns;
  const std::vector<process::Size> grown = grown_in(memcg, living, watched, now_ns);
  for (const process::Size& size : grown) {
    ask_(size.tgid, now_ns);
    if (grown_.size() < kMaxGrown) grown_.push_back(charge_of(memcg, size, now_ns));
  }
  watched.pause_ns =
      grown.empty() ? std::clamp(2 * watched.pause_ns, kLookAgainNs, kRarestLookNs) : kWhileRisingNs;
  schedule(memcg, watched, now_ns + watched.pause_ns);
  // A pod, and what holds pods, moves with each of the containers below, whose processes are theirs.
  watched.bare_until_ns = watched.processes.empty() && living.children > 0 ? now_ns + kBareNs : 0;
}

void RiseReader::poll(std::uint64_t now_ns, const Emit&) {
  if (!is_needed_) return;
  for (int left = kLooksPerTurn; left > 0 && !due_.empty() && due_.begin()->first <= now_ns; --left) {
    const auto [due_ns, memcg] = *due_.begin();
    const Living* living = census_.find(memcg);
    if (living == nullptr || living->is_closer) {
      forget(memcg);
      continue;
    }
    Watched& watched = watched_.at(memcg);
    if (rests(watched, now_ns)) {
      schedule(memcg, watched, now_ns + kRarestLookNs);
    } else {
      read(memcg, *living, watched, now_ns);
    }
  }
}

// What is charged to a memcg is charged to all above it.
facts::MemcgCharged RiseReader::charge_of(facts::MemcgIndex memcg, const process::Size& grown,
                                          std::uint64_t time_ns) const {
  facts::MemcgCharged charge{time_ns, {}, grown.tgid, grown.tgid, grown.bytes, {}};
  std::optional<facts::MemcgIndex> at = memcg;
  while (const Living* living = at ? census_.find(*at) : nullptr) {
    charge.memcgs.push_back(*at);
    at = living->parent;
  }
  return charge;
}

void RiseReader::tell(std::uint64_t until_ns, const Emit& emit) {
  for (; !grown_.empty() && grown_.front().time_ns <= until_ns; grown_.pop_front()) emit(grown_.front());
}

}  // namespace memspike::capture
