// The threads that charged memory: who they were when they did.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "facts/fact.h"
#include "lives/retention.h"
#include "process/thread_facts.h"
#include "report/report.h"

namespace memspike::lives {

// Hands out a number for each thread. A thread that changed its name, by exec or because another
// one got its number, has another one from then on; so has one that was moved to another memcg.
class Threads {
 public:
  explicit Threads(const Retention& retention)
      : most_(retention.threads), oldest_go_first_(retention.oldest_go_first) {}

  // What /proc says about a thread, as soon as it is known.
  void learn(const process::ThreadFacts& facts);

  // What BPF knows of a process: for those that were dead before /proc could be asked.
  void name_process(std::uint32_t tgid, const std::string& comm);

  // The thread charged memory of this memcg. nullopt: the table is full.
  std::optional<std::uint32_t> charging(std::uint32_t tgid, std::uint32_t tid, facts::MemcgIndex memcg);

  // Whose memory a process charged last. Nobody's: it is not known to have charged any.
  std::optional<facts::MemcgIndex> memcg_of(std::uint32_t tgid) const;

  // The runtime that a process is, as far as is known.
  const process::Runtime* runtime_of(std::uint32_t tgid) const;

  // Without cgroup and container: those are its memcg's.
  report::Thread describe(std::uint32_t number) const;
  std::optional<facts::MemcgIndex> charged_by(std::uint32_t number) const {
    const Entry* entry = at(number);
    return entry != nullptr ? entry->memcg : std::nullopt;
  }
  // Of what was learnt of it last; no more than its numbers where nothing was.
  report::Thread describe(std::uint32_t tgid, std::uint32_t tid) const;

  // Whether two numbers are of one thread, under one name or two.
  bool are_one(std::uint32_t a, std::uint32_t b) const;

 private:
  struct Entry {
    process::ThreadFacts facts;
    std::optional<facts::MemcgIndex> memcg;
  };

  std::optional<std::uint32_t> add(process::ThreadFacts facts);
  Entry* at(std::uint32_t number);
  const Entry* at(std::uint32_t number) const { return const_cast<Threads*>(this)->at(number); }
  // By its number, if it is the latest with this tid and of this process.
  std::optional<std::uint32_t> latest(std::uint32_t tgid, std::uint32_t tid) const;

  std::size_t most_;
  bool oldest_go_first_;
  std::uint32_t first_ = 0;  // the number of the first entry: those before it were forgotten
  std::deque<Entry> entries_;
  std::unordered_map<std::uint32_t, std::uint32_t> latest_;  // by tid
  std::map<std::uint32_t, std::string> comm_by_tgid_;
  std::unordered_map<std::uint32_t, process::Runtime> runtimes_;  // by tgid; of few
};

}  // namespace memspike::lives
