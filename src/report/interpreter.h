// What the kernel's events mean: events in, in order of time; facts out. It knows which slot is
// which memcg, and keeps the timelines. Pure: the same events give the same facts.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "culprit/stack_table.h"
#include "decode/event.h"
#include "report/charges.h"
#include "report/fact.h"
#include "timeline/recent.h"
#include "timeline/track.h"

namespace memspike::report {

class Interpreter {
 public:
  using Describe = std::function<Description(const std::string& path)>;
  using Emit = std::function<void(const Fact& fact)>;

  // `describe` is asked once for each memcg, when it is born. Nothing is emitted of those that
  // are not in the target.
  Interpreter(Describe describe, Emit emit);

  // The path of a memcg, by its directory's inode number: of the target's roots, and of all
  // above them, whose limits may be the ones that kill.
  void name_cgroup(std::uint64_t cgroup_id, std::string path);

  void apply(const decode::Event& event);

  // Whether a rise in this sample was made by the task that was running: its trigger fires in the
  // task that charges. A rise that any other trigger sees was made by somebody else.
  static bool may_attribute(const decode::Sample& event);

  // What is known of a thread now. It holds for the charges that follow.
  void learn(const ThreadSeen& seen);

  // Where memory was charged, by address. Leaves none.
  RawStacks take_stacks(std::uint64_t page_size_bytes);

  // The recording ends at time_ns: closes every timeline.
  void close(std::uint64_t time_ns);

  struct Memcg {
    std::uint64_t serial_nr = 0;
    std::string path;
    Description description;
    bool is_root = false;
    bool gone = false;
    bool used = false;  // something was charged
    decode::Hits hits_at_birth;
    decode::Hits hits;        // as told last
    timeline::UsageAt crest;  // the highest of the last reading's rows and the row before
    timeline::Track track;

    std::uint64_t refused_charges() const;  // over the recording, as told last
  };
  const std::deque<Memcg>& memcgs() const { return memcgs_; }  // by MemcgIndex
  std::optional<MemcgIndex> find(std::uint64_t serial_nr) const;
  std::optional<MemcgIndex> at_slot(std::uint32_t slot) const;
  std::uint64_t orphans() const { return orphans_; }  // readings of memcgs whose birth was not seen

 private:
  void handle(const decode::Sample& event);
  void handle(const decode::MemcgBorn& event);
  void handle(const decode::MemcgGone& event);
  void handle(const decode::OomKill& event);
  void handle(const decode::Stack& event);
  void handle(const decode::Stall& event);
  void handle(const decode::LimitHits& event);
  void tell_hits(MemcgIndex index, std::uint64_t time_ns, const decode::Hits& hits);
  // These return how far the usage of the memcg (of the path's first one) rose.
  std::uint64_t push_path(std::uint64_t time_ns, const decode::Path& path);
  std::uint64_t push_level(MemcgIndex index, std::uint64_t time_ns, const decode::Level& level,
                           std::uint64_t headroom_bytes);
  std::uint64_t emit_rows(MemcgIndex index, Memcg& memcg);
  static composition::Allocated allocated_by(const decode::Sample& event);
  static std::uint64_t charged_by(const decode::Sample& event, std::uint64_t risen_bytes);
  void attribute(const decode::Sample& event, std::uint64_t risen_bytes);
  void note_changes(MemcgIndex index, const Memcg& memcg, const decode::Level& level,
                    const timeline::Changes& changes);
  std::optional<std::string> path_of(const decode::MemcgBorn& event) const;
  std::string path_by_id(std::uint64_t serial_nr, std::uint64_t cgroup_id) const;
  void fill_chain(const decode::OomKill& event, OomKill& kill) const;
  void fill_origin(const decode::OomKill& event, OomKill& kill) const;
  static void infer_origin(OomKill& kill);
  bool is_same_incident(const decode::OomKill& event) const;

  Describe describe_;
  Emit emit_;
  std::map<std::uint64_t, std::string> known_paths_;
  std::deque<Memcg> memcgs_;
  std::unordered_map<std::uint64_t, MemcgIndex> by_serial_;
  static constexpr MemcgIndex kNobody = std::numeric_limits<MemcgIndex>::max();
  std::vector<MemcgIndex> by_slot_;
  // Scratch: made anew for each sample they would cost more than what is done with them.
  std::vector<timeline::Row> rows_;
  Fact row_fact_{MemcgRow{}};
  MemcgCharged charge_;
  Charges charges_;
  culprit::StackTable stacks_;
  struct LastKill {
    std::uint64_t time_ns = 0;
    std::uint32_t trigger_tgid = 0;
    std::uint32_t incident = 0;
  };
  std::optional<LastKill> last_kill_;
  std::uint64_t orphans_ = 0;
};

}  // namespace memspike::report
