#include "process/watch.h"

#include <algorithm>

namespace memspike::process {
namespace {

// A reading costs some 30 µs. What is young is looked at again soon: a shell execs within milliseconds.
constexpr std::uint64_t kFirstWaitNs = 5'000'000;
constexpr std::uint64_t kLongestWaitNs = 1'000'000'000;

}  // namespace

void Watch::see(std::uint32_t tgid, std::uint32_t tid, std::uint64_t now_ns) {
  if (known_.size() >= max_threads_ && known_.find(tid) == known_.end()) known_.clear();
  Known& known = known_[tid];
  if (now_ns < known.next_ns && known.tgid == tgid) return;
  known.tgid = tgid;
  known.wait_ns = std::clamp(known.wait_ns * 2, kFirstWaitNs, kLongestWaitNs);
  known.next_ns = now_ns + known.wait_ns;
  const bool settled = known.wait_ns == kLongestWaitNs;
  ask_(tgid, tid, known.facts && known.facts->tgid == tgid ? &*known.facts : nullptr, settled);
}

bool Watch::learn(const ThreadFacts& facts, std::uint64_t now_ns) {
  const auto found = known_.find(facts.tid);
  if (found == known_.end()) return true;  // forgotten meanwhile
  Known& known = found->second;
  if (known.facts == facts) return false;
  if (known.facts && facts.start_ticks != known.facts->start_ticks) {
    known.wait_ns = kFirstWaitNs;
    known.next_ns = now_ns + known.wait_ns;
  }
  known.facts = facts;
  return true;
}

}  // namespace memspike::process
