// Reads what memory.stat says of the memcgs of the target, about once a second.
#pragma once

#include <cstdint>
#include <utility>

#include "cgroup/hierarchy.h"
#include "report/interpreter.h"

namespace memspike::cli {

// A reading makes the kernel sum up the counters of all CPUs: tens of microseconds, a millisecond on
// a large machine. So they come in small turns, between which the ring buffer is drained.
class StatReader {
 public:
  StatReader(const cgroup::Hierarchy& hierarchy, report::Interpreter::Emit emit)
      : hierarchy_(hierarchy), emit_(std::move(emit)) {}

  // As of the memcg's birth (or of the moment at which it was first tracked): what is known of it
  // counts from there.
  void read_at_birth(const report::Interpreter& interpreter, report::MemcgIndex memcg, std::uint64_t born_ns);

  // Call often; does nothing until something is due.
  void read_due(const report::Interpreter& interpreter, std::uint64_t now_ns);

 private:
  void read(const report::Interpreter& interpreter, report::MemcgIndex memcg, std::uint64_t time_ns);

  cgroup::Hierarchy hierarchy_;
  report::Interpreter::Emit emit_;
  report::MemcgIndex next_ = 0;  // of the round under way
  std::uint64_t round_ns_ = 0;   // when it began
  std::uint64_t turn_ns_ = 0;    // when its next turn is due
};

}  // namespace memspike::cli
