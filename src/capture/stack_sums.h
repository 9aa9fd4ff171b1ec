// Where memory was charged, by address: each place once, with how much. What unwinding found of the copy of a
// stack comes later than that, earlier, or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <unordered_map>
#include <vector>

#include "culprit/stack_table.h"
#include "decode/event.h"
#include "facts/code.h"
#include "facts/fact.h"

namespace memspike::capture {

class StackSums {
 public:
  struct Bounds {
    std::size_t places = 16'384;   // told apart: some 600 bytes each
    std::size_t waiting = 16'384;  // for what unwinding finds: about a KiB each
    // Of all that are taken at once, some 250 bytes each when they are named: of the lightest stacks beyond
    // it is told whose they are, not where.
    std::size_t frames = std::numeric_limits<std::size_t>::max();
  };
  StackSums() : StackSums(Bounds()) {}
  explicit StackSums(Bounds bounds) : bounds_(bounds), stacks_(bounds.places) {}

  void add(facts::MemcgIndex memcg, const decode::Stack& stack) {
    add({memcg, stack.tgid, stack.comm, stack.kernel, stack.user}, stack.bytes, stack.copy, stack.time_ns);
  }
  // copy: the number of its copy; 0: it has none. key.user: as frame pointers led. time_ns: 0 if it is not
  // known.
  void add(culprit::StackKey key, std::uint64_t bytes, std::uint64_t copy, std::uint64_t time_ns);
  // What unwinding found.
  void add_chain(std::uint64_t copy, std::vector<std::uint64_t> frames, bool is_whole);
  // Stacks have copies: of those without one, frame pointers say too little.
  void set_copies() { has_copies_ = true; }

  // Those whose chain is still to come are given up if they are from before give_up_ns; the others wait on.
  facts::RawStacks take(std::uint64_t page_size_bytes,
                        std::uint64_t give_up_ns = std::numeric_limits<std::uint64_t>::max());
  bool empty() const { return waiting_.empty() && stacks_.size() == 0; }

 private:
  struct Waiting {
    culprit::StackKey key;
    std::uint64_t bytes = 0;
    std::uint64_t time_ns = 0;
  };
  struct Chain {
    std::vector<std::uint64_t> frames;
    bool is_whole = false;
  };
  void settle(culprit::StackKey key, std::uint64_t bytes, Chain chain);
  void give_up(Waiting waiting);

  Bounds bounds_;
  bool has_copies_ = false;
  std::unordered_map<std::uint64_t, Waiting> waiting_;
  std::unordered_map<std::uint64_t, Chain> early_;
  culprit::StackTable stacks_;
};

}  // namespace memspike::capture
