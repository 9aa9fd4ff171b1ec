// Reads what memory.stat says of the memcgs of the target: about once a second, and when usage moves; in a
// service, where nothing moves, now and then.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/kept.h"
#include "capture/live/source.h"
#include "cgroup/hierarchy.h"
#include "cgroup/memory_stat.h"
#include "composition/sparing.h"
#include "composition/trigger.h"

namespace memspike::capture {

// A reading makes the kernel sum up the counters of all CPUs: tens of microseconds, a millisecond on
// a large machine. So they come in small turns, between which the ring buffer is drained; never within
// a drain.
class MemoryStat : public Source {
 public:
  // `spares`: what rests is passed over, and there is a bound for all together.
  MemoryStat(const cgroup::Hierarchy& hierarchy, const Census& census, bool spares)
      : hierarchy_(hierarchy), census_(census), spares_(spares) {}

  // At once, before anybody is told that the memcg is recorded: its birth's turn comes some
  // milliseconds later, when usage may have moved.
  void before_tracking(const std::string& path) override;

  void on_reading(const Reading& reading) override;
  // As of the memcg's birth (or of the moment at which it was first tracked): what is known of it
  // counts from there.
  void on_fact(const facts::Fact& fact, const Emit& emit) override;
  void poll(std::uint64_t now_ns, const Emit& emit) override;

  std::uint64_t readings() const { return readings_; }
  // Readings that a moving counter wanted, and that had to wait for their turn or were overtaken.
  std::uint64_t put_off() const;

 private:
  void read(const cgroup::StatFiles& files, facts::MemcgIndex memcg, std::uint64_t time_ns,
            std::optional<bool> has_processes, const Emit& emit);
  void read_whole(facts::MemcgIndex memcg, const std::string& path, std::uint64_t time_ns, const Emit& emit);
  std::filesystem::path dir_of(const std::string& path) const;
  void read_high(facts::MemcgIndex memcg, const std::filesystem::path& dir, std::uint64_t time_ns,
                 const Emit& emit);
  void read_wanted(std::uint64_t now_ns, const Emit& emit);
  void forget(facts::MemcgIndex memcg);
  static bool is_sum(const Living& living);
  bool rests(facts::MemcgIndex memcg, const Living& living, std::uint64_t now_ns) const;

  const cgroup::Hierarchy& hierarchy_;
  const Census& census_;
  bool spares_;
  static constexpr std::size_t kMostOpen = 64;  // memcgs with three files each
  // A reading is some 50 us: these two are two thirds of a hundredth of a CPU at most.
  composition::Allowance of_rounds_{64, 64};
  composition::Allowance of_wishes_{64, 128};
  std::map<facts::MemcgIndex, composition::ReadTimes> read_;  // kept only where it spares
  std::map<std::string, facts::MemoryStatRead> before_;       // by path, until its birth is told
  std::unordered_map<facts::MemcgIndex, composition::Trigger> triggers_;
  std::uint64_t put_off_of_gone_ = 0;
  std::vector<facts::MemcgIndex> wanted_;                        // whose triggers were not due yet
  Kept<facts::MemcgIndex, cgroup::StatFiles> files_{kMostOpen};  // whose triggers wanted readings lately
  std::map<facts::MemcgIndex, std::uint64_t> high_bytes_;  // memory.high as told last, where there is one
  facts::MemcgIndex next_ = 0;                             // of the round under way
  std::uint64_t round_ns_ = 0;                             // when it began
  std::uint64_t turn_ns_ = 0;                              // when its next turn is due
  std::uint64_t wanted_turn_ns_ = 0;                       // the same of the triggers' readings
  int wanted_left_ = 0;                                    // readings that this turn may still take
  std::uint64_t readings_ = 0;
};

}  // namespace memspike::capture
