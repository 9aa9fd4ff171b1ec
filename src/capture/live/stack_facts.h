// Where memory is charged, by address while it is recorded; by name when that ends, or every few seconds.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "capture/live/source.h"
#include "capture/stack_sums.h"
#include "cgroup/hierarchy.h"
#include "symbols/symbolizer.h"

namespace memspike::capture {

class StackFacts : public Source {
 public:
  struct Options {
    // Told while it goes on, and not when it ends: for who records for months and takes stacks now and then.
    bool tells_on = false;
    StackSums::Bounds bounds = {};
  };
  StackFacts(const cgroup::Hierarchy& hierarchy, symbols::Symbolizer& symbolizer,
             std::uint64_t page_size_bytes, Options options)
      : hierarchy_(hierarchy),
        symbolizer_(symbolizer),
        page_size_bytes_(page_size_bytes),
        tells_on_(options.tells_on),
        sums_(options.bounds) {}

  // Whether there are any; else nothing is told, not even that there are none.
  void set_taken(bool is_taken) { is_taken_ = is_taken; }
  // None are taken for now: what was learnt of processes and files is forgotten when all is told.
  void set_rest(bool rests) { rests_ = rests; }

  // Their user's part is unwound from the copies in this ring buffer, of so many bytes. The helper alone
  // reads it: nothing of it passes through here.
  void unwind_from(int ring, std::size_t bytes);

  // Where the code lies of those who are there already: their first spike may be their end.
  void before_tracking(const std::string& path) override;
  // The code is looked for at once: who has just charged may be gone when the stack's turn comes.
  void on_event(const decode::Event& event, std::uint64_t now_ns) override;
  void on_stack(facts::MemcgIndex memcg, const decode::Stack& stack) override { sums_.add(memcg, stack); }
  // What was unwound meanwhile.
  void poll(std::uint64_t now_ns, const Emit& emit) override;
  // In pieces: what a reader has to hold at a time stays small.
  void finish(std::uint64_t now_ns, const Emit& emit) override;

 private:
  symbols::NameHelper::ChainSink chain_sink();
  void go_on_telling(std::uint64_t now_ns, const Emit& emit);
  bool is_news(std::string remark);
  void tell_stacks(const facts::RawStacks& raw, facts::NamedStacks named, const Emit& emit);

  const cgroup::Hierarchy& hierarchy_;
  symbols::Symbolizer& symbolizer_;
  std::uint64_t page_size_bytes_;
  bool tells_on_;
  bool is_taken_ = false;
  bool rests_ = false;
  bool has_forgotten_ = true;
  std::uint64_t asked_ns_ = 0;
  std::uint64_t next_ns_ = 0;
  std::set<std::string> told_remarks_;
  StackSums sums_;
};

}  // namespace memspike::capture
