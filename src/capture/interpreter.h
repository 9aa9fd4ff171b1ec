// What the kernel's events mean: events in, in order of time; facts out. It knows which slot is
// which memcg, and keeps the timelines. Pure: the same events give the same facts.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "capture/charges.h"
#include "capture/memcgs.h"
#include "decode/event.h"
#include "facts/fact.h"
#include "timeline/track.h"

namespace memspike::capture {

class Interpreter {
 public:
  using Describe = std::function<facts::Description(const std::string& path)>;
  using Emit = std::function<void(const facts::Fact& fact)>;

  // `describe` is asked once for each memcg, when it is born. Nothing is emitted of those that
  // are not in the target. `page_size_bytes`: of the machine that is recorded.
  Interpreter(Describe describe, Emit emit, std::uint64_t page_size_bytes = 4096);

  // The path of a memcg, by its directory's inode number: of the target's roots, and of all
  // above them, whose limits may be the ones that kill.
  void name_cgroup(std::uint64_t cgroup_id, std::string path);

  void apply(const decode::Event& event);

  // What was charged as somebody else found out, for where charges are not seen.
  void add(const facts::MemcgCharged& charge) { charges_.add(charge); }

  // Tells what it holds back: before anything that holds for the charges that follow, and not for these.
  void flush() { charges_.flush(); }

  // Whose stack it is; nothing where that is not of the target.
  std::optional<facts::MemcgIndex> memcg_of(const decode::Stack& stack);

  // Tells of the moves that were thinned out so far. They come in many small numbers: call it now and then.
  void tell_thinned();

  // The recording ends at time_ns: closes every timeline.
  void close(std::uint64_t time_ns);

  using Memcg = capture::Memcg;
  const Memcgs& memcgs() const { return memcgs_; }
  std::optional<facts::MemcgIndex> find(std::uint64_t serial_nr) const;
  std::optional<facts::MemcgIndex> at_slot(std::uint32_t slot) const;
  std::uint32_t slots() const { return static_cast<std::uint32_t>(by_slot_.size()); }  // all that had one
  std::uint64_t orphans() const { return orphans_; }  // readings of memcgs whose birth was not seen

 private:
  void handle(const decode::Sample& event);
  void handle(const decode::MemcgBorn& event);
  void handle(const decode::MemcgGone& event);
  void handle(const decode::OomKill& event);
  void handle(const decode::Stack&) {}  // of no timeline: see memcg_of
  void handle(const decode::Stall& event);
  void handle(const decode::LimitHits& event);
  void tell_hits(facts::MemcgIndex index, std::uint64_t time_ns, const decode::Hits& hits);
  void note_thinned(const decode::Level& level, std::uint64_t time_ns, std::uint32_t moves);
  void tell_thinned(facts::MemcgIndex index);
  // These return how far the usage of the memcg (of the path's first one) rose.
  std::uint64_t push_path(std::uint64_t time_ns, const decode::Path& path);
  std::uint64_t push_level(facts::MemcgIndex index, std::uint64_t time_ns, const decode::Level& level,
                           std::uint64_t headroom_bytes);
  std::uint64_t emit_rows(facts::MemcgIndex index, Memcg& memcg);
  void attribute(const decode::Sample& event, std::uint64_t risen_bytes);
  static void note_lowered(Memcg& memcg, std::uint64_t time_ns, const decode::Level& level,
                           const timeline::Changes& changes, std::uint64_t before_bytes);
  static bool is_first_limit(const Memcg& memcg, std::uint64_t time_ns, const timeline::Changes& changes);
  void note_changes(facts::MemcgIndex index, std::uint64_t time_ns, const decode::Level& level,
                    const timeline::Changes& changes);
  std::optional<std::string> path_of(const decode::MemcgBorn& event) const;
  std::string path_by_id(std::uint64_t serial_nr, std::uint64_t cgroup_id,
                         const std::string& fallback = {}) const;
  void fill_target(const decode::Path& path, std::vector<facts::MemcgIndex>& memcgs) const;
  void retire(facts::MemcgIndex index);
  void note_controller(facts::MemcgIndex index, bool enabled);
  void fill_chain(const decode::OomKill& event, facts::Kill& kill) const;
  void fill_origin(const decode::OomKill& event, facts::Kill& kill) const;
  void fill_trigger(const decode::OomKill& event, facts::Kill& kill) const;
  void fill_victim(const decode::OomKill& event, facts::Kill& kill) const;
  void fill_lowered(const decode::OomKill& event, facts::Kill& kill) const;
  const Memcg& container_of(const decode::OomKill& event) const;
  static void infer_origin(facts::Kill& kill);
  bool is_same_incident(const decode::OomKill& event) const;

  Describe describe_;
  Emit emit_;
  std::uint64_t page_size_bytes_;
  std::map<std::uint64_t, std::string> known_paths_;
  Memcgs memcgs_;
  std::unordered_map<std::uint64_t, facts::MemcgIndex> by_serial_;
  std::unordered_map<std::uint64_t, facts::MemcgIndex> by_cgroup_;  // the latest of each
  static constexpr facts::MemcgIndex kNobody = std::numeric_limits<facts::MemcgIndex>::max();
  std::vector<facts::MemcgIndex> by_slot_;
  // Scratch: made anew for each sample they would cost more than what is done with them.
  std::vector<timeline::Row> rows_;
  facts::Fact row_fact_{facts::MemcgRow{}};
  facts::MemcgCharged charge_;
  Charges charges_;
  struct LastKill {
    std::uint64_t time_ns = 0;
    std::uint32_t trigger_tgid = 0;
    std::uint32_t incident = 0;
  };
  std::optional<LastKill> last_kill_;
  std::vector<facts::MemcgIndex> thinned_;  // whose moves are to be told
  std::uint64_t orphans_ = 0;
};

}  // namespace memspike::capture
