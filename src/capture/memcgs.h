// The memcgs of a recording, by number: all that live, and of those that are gone the latest.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>

#include "base/nearby.h"
#include "capture/charges.h"
#include "decode/event.h"
#include "facts/fact.h"
#include "timeline/recent.h"
#include "timeline/track.h"

namespace memspike::capture {

struct Memcg {
  std::uint64_t serial_nr = 0;
  std::uint64_t cgroup_id = 0;
  std::string path;
  facts::Description description;
  std::optional<facts::MemcgIndex> parent;
  bool gone = false;
  bool used = false;                            // something was charged
  std::optional<facts::Kill::Lowered> lowered;  // its limit, last time that it was
  std::uint64_t born_ns = 0;
  decode::Hits hits_at_birth;
  std::optional<std::uint64_t> oom_kills_at_birth;
  decode::Hits hits;                // as told last
  std::uint64_t last_stall_ns = 0;  // when a task in it waited last
  facts::MovesThinned thinned;      // of which no fact has told yet
  timeline::UsageAt crest;          // the highest of the last reading's rows and the row before
  Charges::Edge edge;
  timeline::Track track;

  std::uint64_t refused_charges() const;  // over the recording, as told last
};

// Who may make cgroups may make very many: one that has been gone for long costs nothing.
class Memcgs {
 public:
  using Known = std::map<facts::MemcgIndex, Memcg>;

  Memcgs() { forgotten_.gone = true; }
  Memcgs(const Memcgs&) = delete;
  Memcgs& operator=(const Memcgs&) = delete;

  // The next number.
  Memcg& add();

  // It is gone. Returns that for which it was one too many, and which is forgotten by the next call.
  std::optional<facts::MemcgIndex> retire(facts::MemcgIndex index);
  void forget(facts::MemcgIndex index);

  // One that was forgotten is gone, and nothing more is known of it.
  const Memcg& operator[](facts::MemcgIndex index) const { return const_cast<Memcgs&>(*this)[index]; }
  Memcg& operator[](facts::MemcgIndex index) {
    Memcg* memcg = nearby_.find(index);
    return memcg != nullptr ? *memcg : look_up(index);
  }

  std::size_t size() const { return size_; }  // all that there ever were
  const Known& known() const { return known_; }
  Known& known() { return known_; }

 private:
  Memcg& look_up(facts::MemcgIndex index);

  Known known_;
  std::size_t size_ = 0;
  Nearby<Memcg> nearby_;
  std::deque<facts::MemcgIndex> retired_;  // of those known, in the order of their ends
  Memcg forgotten_;
};

}  // namespace memspike::capture
