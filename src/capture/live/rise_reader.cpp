#include "capture/live/rise_reader.h"

#include <algorithm>

#include "cgroup/files.h"

namespace memspike::capture {
namespace {

// Where nobody grew it is looked at less and less often: of 500 that sleep, one look a second each is three
// files opened 500 times. How its processes share what it has may have changed by then, and that is all that
// is old.
constexpr std::uint64_t kLookAgainNs = 1'000'000'000;
constexpr std::uint64_t kRarestLookNs = 16'000'000'000;
constexpr std::uint64_t kBareNs = 5'000'000'000;
constexpr std::uint64_t kWhileRisingNs = 10'000'000;
constexpr std::size_t kMaxReadProcesses = 128;  // of one memcg: some 10 us each
constexpr int kLooksPerTurn = 16;
constexpr std::size_t kMaxGrown = 4096;

}  // namespace

void RiseReader::on_reading(const Reading& reading) {
  // Its own processes: those of the memcgs below have looks of their own.
  if (!is_needed_ || !reading.is_own) return;
  Watched& watched = watched_[reading.memcg];
  if (watched.due_ns == 0) next_ns_ = 0;  // it was never read
  const std::uint64_t usage = reading.usage_bytes;
  const std::uint64_t moved =
      usage > watched.read_bytes ? usage - watched.read_bytes : watched.read_bytes - usage;
  // Where it has fallen, the next rise begins from there.
  if (moved <= reading.rise_bytes / 2 || reading.time_ns < watched.bare_until_ns) return;
  watched.due_ns = std::min(watched.due_ns, reading.time_ns);
  next_ns_ = std::min(next_ns_, watched.due_ns);
}

void RiseReader::read(facts::MemcgIndex memcg, const Living& living, Watched& watched, std::uint64_t now_ns) {
  const auto dir = cgroup::memcg_dir(hierarchy_, living.path);
  std::vector<std::uint32_t> processes = cgroup::read_processes(dir);
  if (processes.size() > kMaxReadProcesses) processes.resize(kMaxReadProcesses);
  std::vector<process::Size> sizes;
  for (const std::uint32_t tgid : processes) {
    if (const auto bytes = proc_.resident_bytes(tgid)) sizes.push_back({tgid, *bytes});
  }
  const std::uint64_t usage_bytes =
      cgroup::read_usage_bytes(dir, hierarchy_.version()).value_or(watched.read_bytes);
  const std::vector<process::Size> grown = watched.growth.grown(sizes, usage_bytes);
  for (const process::Size& size : grown) {
    ask_(size.tgid, now_ns);
    if (grown_.size() < kMaxGrown) grown_.push_back(charge_of(memcg, size, now_ns));
  }
  watched.read_bytes = usage_bytes;
  watched.pause_ns =
      grown.empty() ? std::clamp(2 * watched.pause_ns, kLookAgainNs, kRarestLookNs) : kWhileRisingNs;
  watched.due_ns = now_ns + watched.pause_ns;
  // A pod, and what holds pods, moves with each of the containers below, whose processes are theirs.
  watched.bare_until_ns = processes.empty() && living.children > 0 ? now_ns + kBareNs : 0;
}

void RiseReader::poll(std::uint64_t now_ns, const Emit&) {
  if (!is_needed_ || now_ns < next_ns_) return;
  next_ns_ = now_ns + kLookAgainNs;
  int left = kLooksPerTurn;
  for (auto watched = watched_.begin(); watched != watched_.end();) {
    const Living* living = census_.find(watched->first);
    if (living == nullptr) {
      watched = watched_.erase(watched);
      continue;
    }
    if (watched->second.due_ns <= now_ns && left-- > 0) {
      read(watched->first, *living, watched->second, now_ns);
    }
    next_ns_ = std::min(next_ns_, watched->second.due_ns);
    ++watched;
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
