// The last minutes of every memcg, in as much memory as it is given: facts in compressed blocks of the
// recording format. What is asked of it is a recording like any other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "facts/sink.h"
#include "recording/flight_strand.h"

namespace memspike::recording {

struct FlightOptions {
  std::size_t memory_bytes = std::size_t{32} << 20;
  std::uint64_t keep_ns = 60'000'000'000;  // at least, where memory allows it; of what is gone, no longer
};

// Some memcgs' last minutes, cheap to take: it can be read in another thread while recording goes on.
struct FlightExcerpt {
  struct Strand {
    facts::MemcgFound found;  // as it is known now; its parent is another strand's, or unset
    FlightBlocks blocks;
  };
  std::vector<Strand> strands;  // parents before children
  std::vector<facts::KernelLogged> log;
  facts::SessionKnown session;
  std::uint64_t overflow_pages = 0;  // of stacks of the whole node that were not told apart
};

// Shares are fair: where memory is short, the oldest block of the memcg that takes the most is forgotten. So
// a quiet one is kept for longer, and a loud one pushes nobody out but itself.
class FlightRecorder : public facts::FactSink {
 public:
  explicit FlightRecorder(FlightOptions options) : options_(options) {}

  void apply(const facts::Fact& fact) override;

  // Memcgs that are never kept, by their paths: what is only the sum of others. Before the first fact.
  using IsWanted = std::function<bool(const facts::MemcgFound& found)>;
  void keep_only(IsWanted is_wanted) { is_wanted_ = std::move(is_wanted); }

  // Forgets what is gone for long.
  void tick(std::uint64_t now_ns) override;

  // Of these, as far as they are kept, from a time on.
  FlightExcerpt excerpt(const std::vector<facts::MemcgIndex>& memcgs, std::uint64_t from_ns);

  std::size_t bytes() const { return bytes_; }
  std::size_t strands() const { return strands_.size(); }
  // From when on this one is whole; nothing is kept of it: nothing.
  std::optional<std::uint64_t> kept_since_ns(facts::MemcgIndex memcg) const;
  std::uint64_t dropped_blocks() const { return dropped_blocks_; }  // younger than what is to be kept

 private:
  struct Thread {
    std::optional<facts::ThreadSeen> seen;
    std::optional<facts::MemcgIndex> charged;  // last
  };

  FlightStrand* find(facts::MemcgIndex memcg);
  template <class Change>
  void count(FlightStrand& strand, Change&& change);
  void write(facts::MemcgIndex memcg, const facts::Fact& fact);
  void handle(const facts::MemcgRow& fact);
  void handle(const facts::MemcgFound& fact);
  void handle(const facts::MemcgNamed& fact);
  void handle(const facts::MemcgGone& fact);
  void handle(const facts::MemcgCharged& fact);
  void handle(const facts::ProcessKilled& fact);
  void handle(const facts::ThreadSeen& fact);
  void handle(const facts::KernelLogged& fact);
  void handle(const facts::SessionKnown& fact);
  void handle(const facts::Noted& fact);
  void handle(const facts::CodeNamed& fact);
  void handle(const facts::StackSeen& fact);
  void handle(const facts::StacksCounted& fact);
  void handle(const facts::BurstFound&) {}  // whoever takes an excerpt finds its own
  void handle(const facts::SpikeFound&) {}
  template <class F>
  void handle(const F& fact);
  Thread& thread(std::uint32_t tid);
  void forget_gone(std::uint64_t now_ns);
  void make_room();

  FlightOptions options_;
  IsWanted is_wanted_ = [](const facts::MemcgFound&) { return true; };
  std::unordered_map<facts::MemcgIndex, std::unique_ptr<FlightStrand>> strands_;
  std::deque<std::pair<std::uint64_t, facts::MemcgIndex>> gone_;  // when; by time, as facts come
  std::size_t bytes_ = 0;
  std::size_t most_bytes_ = options_.memory_bytes;  // until room is made
  std::uint64_t dropped_blocks_ = 0;
  std::uint64_t now_ns_ = 0;  // of the latest row
  std::uint64_t next_look_ns_ = 0;
  Clocks clocks_;
  facts::SessionKnown session_;
  facts::Fact row_{facts::MemcgRow{}};  // scratch
  std::unordered_map<std::uint32_t, Thread> threads_;
  std::deque<std::uint32_t> thread_order_;
  std::deque<facts::KernelLogged> log_;
  facts::CodeNamed code_;  // of the stacks that are being told
  struct Overflow {
    std::uint64_t time_ns = 0;
    std::uint64_t pages = 0;
  };
  std::deque<Overflow> overflows_;
};

// Plays it as facts, in order of time, from the session on; the recording ends at end_ns. Memcgs are counted
// from 0 in the order of the strands. ErrorKind::failed: a block cannot be read.
Result<void> play(const FlightExcerpt& excerpt, std::uint64_t end_ns, const TakeFact& take);

}  // namespace memspike::recording
