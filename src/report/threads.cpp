#include "report/threads.h"

#include <utility>

#include "report/memcg_state.h"

namespace memspike::report {
namespace {

constexpr std::size_t kMaxThreads = 65'536;  // some 25 MB; charges of more are nobody's

}  // namespace

std::optional<std::uint32_t> Threads::add(process::ThreadFacts facts) {
  if (entries_.size() >= kMaxThreads) return std::nullopt;
  const auto number = static_cast<std::uint32_t>(entries_.size());
  latest_[facts.tid] = number;
  entries_.push_back({std::move(facts), nullptr});
  return number;
}

void Threads::learn(const process::ThreadFacts& facts) {
  const auto latest = latest_.find(facts.tid);
  if (latest == latest_.end()) {
    add(facts);
    return;
  }
  Entry& entry = entries_[latest->second];
  const bool nameless = entry.facts.start_ticks == 0 && entry.facts.tgid == facts.tgid;
  if (nameless || entry.memcg == nullptr) {
    entry.facts = facts;
  } else if (!(entry.facts == facts)) {
    add(facts);
  }
}

std::optional<std::uint32_t> Threads::charging(std::uint32_t tgid, std::uint32_t tid,
                                               const MemcgState& memcg) {
  std::optional<std::uint32_t> number;
  const auto latest = latest_.find(tid);
  if (latest != latest_.end() && entries_[latest->second].facts.tgid == tgid) number = latest->second;
  // The same thread in another memcg was moved there: what it does there is told apart.
  if (number && entries_[*number].memcg != nullptr && entries_[*number].memcg != &memcg) {
    number = add(entries_[*number].facts);
  }
  if (!number) number = add({tgid, tid, 0, {}, {}});
  if (number) entries_[*number].memcg = &memcg;
  return number;
}

Thread Threads::describe(std::uint32_t number) const {
  const Entry& entry = entries_[number];
  Thread thread;
  thread.pid = entry.facts.tgid;
  thread.tid = entry.facts.tid;
  thread.comm = entry.facts.comm;
  thread.cmdline = entry.facts.cmdline;
  if (thread.comm.empty()) {
    const auto known = comm_by_tgid_.find(thread.pid);
    if (known != comm_by_tgid_.end()) thread.comm = known->second;
  }
  if (entry.memcg != nullptr) {
    thread.cgroup = entry.memcg->path();
    thread.container = entry.memcg->container;
  }
  return thread;
}

}  // namespace memspike::report
