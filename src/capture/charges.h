// Who charged and allocated what, added up until it has to be said: a fact for each sample that rose would
// make a recording several times as large.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "facts/fact.h"

namespace memspike::capture {

// Charges of one thread to one memcg are one fact for each rise of the timelines that they belong to:
//
//  - a fact comes before the row with which a timeline of its memcgs falls, or rises after a fall.
//    Bases and peaks of spikes lie there and nowhere else, so the sums of a spike are as if
//    every charge had been told at once;
//  - a fact is never older than kMaxAgeNs, so that a recording that is cut, or a part of one, is short
//    of that much at most;
//  - never more than kMaxPending wait.
class Charges {
 public:
  static constexpr std::uint64_t kMaxAgeNs = 100'000'000;
  static constexpr std::size_t kMaxPending = 64;

  using Emit = std::function<void(const facts::Fact& fact)>;

  explicit Charges(Emit emit) : emit_(std::move(emit)) {}

  // Which way a timeline went last, and until where.
  struct Edge {
    bool started = false;
    bool rising = false;
    std::uint64_t usage_bytes = 0;
  };

  // A row of this memcg is about to be told. Returns how far usage rises with it.
  std::uint64_t before_row(facts::MemcgIndex memcg, Edge& edge, std::uint64_t usage_bytes) {
    const bool stands = edge.started && edge.usage_bytes == usage_bytes;
    return stands ? 0 : before_move(memcg, edge, usage_bytes);
  }

  void add(const facts::MemcgCharged& charge);

  // Tells all that waits.
  void flush();

 private:
  std::uint64_t before_move(facts::MemcgIndex memcg, Edge& edge, std::uint64_t usage_bytes);
  void flush_of(facts::MemcgIndex memcg);

  Emit emit_;
  std::vector<facts::MemcgCharged> pending_;
  std::uint64_t oldest_ns_ = 0;  // of what waits
};

}  // namespace memspike::capture
