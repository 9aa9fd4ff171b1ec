// The threads that charged memory: who they were when they did.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "process/thread_facts.h"
#include "report/report.h"

namespace memspike::report {

class MemcgState;

// Hands out a number for each thread. A thread that changed its name, by exec or because another
// one got its number, is another one from then on.
class Threads {
 public:
  // What /proc says about a thread, as soon as it is known.
  void learn(const process::ThreadFacts& facts);

  // What BPF knows of a process: for those that were dead before /proc could be asked.
  void name_process(std::uint32_t tgid, const std::string& comm) { comm_by_tgid_[tgid] = comm; }

  // The thread charged memory of this memcg. nullopt: the table is full.
  std::optional<std::uint32_t> charging(std::uint32_t tgid, std::uint32_t tid, const MemcgState& memcg);

  Thread describe(std::uint32_t number) const;

 private:
  struct Entry {
    process::ThreadFacts facts;
    const MemcgState* memcg = nullptr;
  };

  std::optional<std::uint32_t> add(process::ThreadFacts facts);

  std::vector<Entry> entries_;
  std::unordered_map<std::uint32_t, std::uint32_t> latest_;  // by tid
  std::map<std::uint32_t, std::string> comm_by_tgid_;
};

}  // namespace memspike::report
