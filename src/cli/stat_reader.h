// Reads what memory.stat says of the memcgs of the target: about once a second, and when usage moves.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cgroup/hierarchy.h"
#include "cgroup/memory_stat.h"
#include "composition/trigger.h"
#include "decode/event.h"
#include "report/interpreter.h"

namespace memspike::cli {

// A reading makes the kernel sum up the counters of all CPUs: tens of microseconds, a millisecond on
// a large machine. So they come in small turns, between which the ring buffer is drained; never within
// a drain.
class StatReader {
 public:
  StatReader(const cgroup::Hierarchy& hierarchy, report::Interpreter::Emit emit)
      : hierarchy_(hierarchy), emit_(std::move(emit)) {}

  // At once, before anybody is told that the memcg is recorded: its birth's turn comes some
  // milliseconds later, when usage may have moved.
  void read_before(const std::string& path);

  // As of the memcg's birth (or of the moment at which it was first tracked): what is known of it
  // counts from there.
  void read_at_birth(const report::Interpreter& interpreter, report::MemcgIndex memcg, std::uint64_t born_ns);

  // A counter moved: as it comes from the ring buffer, before it is put in order. What counts as a
  // spike wants readings of its own.
  void see(const report::Interpreter& interpreter, const decode::Sample& sample,
           std::uint64_t min_prominence_bytes);

  // Call often; does nothing until something is due.
  void read_due(const report::Interpreter& interpreter, std::uint64_t now_ns);

  std::uint64_t readings() const { return readings_; }
  // Readings that a moving counter wanted, and that had to wait for their turn or were overtaken.
  std::uint64_t put_off() const;

 private:
  void read(const cgroup::StatFiles& files, report::MemcgIndex memcg, std::uint64_t time_ns,
            std::optional<bool> has_processes);
  void read_whole(const report::Interpreter& interpreter, report::MemcgIndex memcg, std::uint64_t time_ns);
  const cgroup::StatFiles& files_of(const report::Interpreter& interpreter, report::MemcgIndex memcg);
  std::filesystem::path dir_of(const std::string& path) const;
  void read_wanted(const report::Interpreter& interpreter, std::uint64_t now_ns);

  cgroup::Hierarchy hierarchy_;
  report::Interpreter::Emit emit_;
  std::map<std::string, report::MemoryStatRead> before_;   // by path, until its birth is told
  std::vector<composition::Trigger> triggers_;             // by MemcgIndex
  std::vector<report::MemcgIndex> wanted_;                 // whose triggers were not due yet
  std::map<report::MemcgIndex, cgroup::StatFiles> files_;  // of those whose triggers wanted readings lately
  report::MemcgIndex next_ = 0;                            // of the round under way
  std::uint64_t round_ns_ = 0;                             // when it began
  std::uint64_t turn_ns_ = 0;                              // when its next turn is due
  std::uint64_t wanted_turn_ns_ = 0;                       // the same of the triggers' readings
  int wanted_left_ = 0;                                    // readings that this turn may still take
  std::uint64_t readings_ = 0;
};

}  // namespace memspike::cli
