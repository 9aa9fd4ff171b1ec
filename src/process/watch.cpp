#include "process/watch.h"

#include <algorithm>

namespace memspike::process {
namespace {

// A reading costs some 30 µs. What is young is looked at again soon: a shell execs within milliseconds.
constexpr std::uint64_t kFirstWaitNs = 5'000'000;
constexpr std::uint64_t kLongestWaitNs = 1'000'000'000;

}  // namespace

std::optional<ThreadFacts> Watch::see(std::uint32_t tgid, std::uint32_t tid, std::uint64_t now_ns) {
  if (known_.size() >= max_threads_ && known_.find(tid) == known_.end()) known_.clear();
  Known& known = known_[tid];
  if (now_ns < known.next_ns && (!known.facts || known.facts->tgid == tgid)) return std::nullopt;
  known.wait_ns = std::clamp(known.wait_ns * 2, kFirstWaitNs, kLongestWaitNs);
  known.next_ns = now_ns + known.wait_ns;
  auto facts = read_(tgid, tid, known.facts ? &*known.facts : nullptr, known.wait_ns == kLongestWaitNs);
  if (!facts || facts == known.facts) return std::nullopt;
  if (known.facts && facts->start_ticks != known.facts->start_ticks) {
    known.wait_ns = kFirstWaitNs;
    known.next_ns = now_ns + known.wait_ns;
  }
  known.facts = facts;
  return facts;
}

}  // namespace memspike::process
