// When to ask /proc about a thread: at its first charge, for it may be dead a moment later, and
// again now and then, for exec gives it another name and numbers are used again.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <unordered_map>

#include "process/thread_facts.h"

namespace memspike::process {

class Watch {
 public:
  // As Reader::read; the answer comes later, by learn().
  using Ask =
      std::function<void(std::uint32_t tgid, std::uint32_t tid, const ThreadFacts* known, bool settled)>;

  // max_threads: remembered at the same time. Beyond: all are forgotten, and asked about anew.
  explicit Watch(Ask ask, std::size_t max_threads = 16'384)
      : ask_(std::move(ask)), max_threads_(max_threads) {}

  // The thread charged memory now.
  void see(std::uint32_t tgid, std::uint32_t tid, std::uint64_t now_ns);

  // What was found out. True: something about it is new.
  bool learn(const ThreadFacts& facts, std::uint64_t now_ns);

 private:
  struct Known {
    std::optional<ThreadFacts> facts;
    std::uint32_t tgid = 0;  // that was asked about
    std::uint64_t next_ns = 0;
    std::uint64_t wait_ns = 0;
  };

  Ask ask_;
  std::size_t max_threads_;
  std::unordered_map<std::uint32_t, Known> known_;  // by tid
};

}  // namespace memspike::process
