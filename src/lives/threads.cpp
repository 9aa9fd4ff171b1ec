#include "lives/threads.h"

#include <utility>

namespace memspike::lives {
namespace {

constexpr std::size_t kMaxRuntimes = 4096;
constexpr std::size_t kMaxNames = 65'536;

}  // namespace

Threads::Entry* Threads::at(std::uint32_t number) {
  const std::uint32_t index = number - first_;
  return index < entries_.size() ? &entries_[index] : nullptr;
}

std::optional<std::uint32_t> Threads::latest(std::uint32_t tgid, std::uint32_t tid) const {
  const auto known = latest_.find(tid);
  if (known == latest_.end()) return std::nullopt;
  const Entry* entry = at(known->second);
  return entry != nullptr && entry->facts.tgid == tgid ? std::optional(known->second) : std::nullopt;
}

std::optional<std::uint32_t> Threads::add(process::ThreadFacts facts) {
  if (entries_.size() >= most_) {
    if (!oldest_go_first_) return std::nullopt;
    const auto oldest = latest_.find(entries_.front().facts.tid);
    if (oldest != latest_.end() && oldest->second == first_) latest_.erase(oldest);
    entries_.pop_front();
    ++first_;
  }
  const auto number = static_cast<std::uint32_t>(first_ + entries_.size());
  latest_[facts.tid] = number;
  entries_.push_back({std::move(facts), {}});
  return number;
}

const process::Runtime* Threads::runtime_of(std::uint32_t tgid) const {
  const auto known = runtimes_.find(tgid);
  return known == runtimes_.end() ? nullptr : &known->second;
}

void Threads::name_process(std::uint32_t tgid, const std::string& comm) {
  if (oldest_go_first_ && comm_by_tgid_.size() >= kMaxNames) comm_by_tgid_.clear();
  comm_by_tgid_[tgid] = comm;
}

void Threads::learn(const process::ThreadFacts& facts) {
  if (oldest_go_first_ && runtimes_.size() >= kMaxRuntimes) runtimes_.clear();
  if (facts.runtime && runtimes_.size() < kMaxRuntimes)
    runtimes_.insert_or_assign(facts.tgid, *facts.runtime);
  const auto latest = latest_.find(facts.tid);
  Entry* entry = latest == latest_.end() ? nullptr : at(latest->second);
  if (entry == nullptr) {
    add(facts);
    return;
  }
  const bool nameless = entry->facts.start_ticks == 0 && entry->facts.tgid == facts.tgid;
  if (nameless || !entry->memcg) {
    entry->facts = facts;
  } else if (!(entry->facts == facts)) {
    add(facts);
  }
}

std::optional<std::uint32_t> Threads::charging(std::uint32_t tgid, std::uint32_t tid,
                                               facts::MemcgIndex memcg) {
  std::optional<std::uint32_t> number = latest(tgid, tid);
  // The same thread in another memcg was moved there: what it does there is told apart.
  if (number && at(*number)->memcg.value_or(memcg) != memcg) {
    process::ThreadFacts same = at(*number)->facts;
    number = add(std::move(same));
  }
  if (!number) number = add({tgid, tid, 0, {}, {}, {}});
  if (number) at(*number)->memcg = memcg;
  return number;
}

std::optional<facts::MemcgIndex> Threads::memcg_of(std::uint32_t tgid) const {
  if (const auto first = latest(tgid, tgid)) return at(*first)->memcg;  // its first thread has its number
  for (auto entry = entries_.rbegin(); entry != entries_.rend(); ++entry) {
    if (entry->facts.tgid == tgid) return entry->memcg;
  }
  return std::nullopt;
}

bool Threads::are_one(std::uint32_t a, std::uint32_t b) const {
  if (at(a) == nullptr || at(b) == nullptr) return a == b;
  const process::ThreadFacts& one = at(a)->facts;
  const process::ThreadFacts& other = at(b)->facts;
  // A charge may be told before anybody could ask who made it.
  const bool began_together =
      one.start_ticks == other.start_ticks || one.start_ticks == 0 || other.start_ticks == 0;
  return one.tgid == other.tgid && one.tid == other.tid && began_together;
}

// Of one that was forgotten nothing is known.
report::Thread Threads::describe(std::uint32_t number) const {
  report::Thread thread;
  const Entry* entry = at(number);
  if (entry == nullptr) return thread;
  thread.pid = entry->facts.tgid;
  thread.tid = entry->facts.tid;
  thread.comm = entry->facts.comm;
  thread.cmdline = entry->facts.cmdline;
  if (thread.comm.empty()) {
    const auto known = comm_by_tgid_.find(thread.pid);
    if (known != comm_by_tgid_.end()) thread.comm = known->second;
  }
  return thread;
}

report::Thread Threads::describe(std::uint32_t tgid, std::uint32_t tid) const {
  if (const auto known = latest(tgid, tid)) return describe(*known);
  report::Thread thread;
  thread.pid = tgid;
  thread.tid = tid;
  const auto known = comm_by_tgid_.find(tgid);
  if (known != comm_by_tgid_.end()) thread.comm = known->second;
  return thread;
}

}  // namespace memspike::lives
