// The memcgs of the target that live now, as the facts and the latest readings tell of them: what the sources
// need to know, without a look into the interpreter.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/nearby.h"
#include "base/optional_bytes.h"
#include "facts/fact.h"

namespace memspike::capture {

// A counter was read: as it comes from the ring buffer, before it is put in order.
struct Reading {
  facts::MemcgIndex memcg = 0;
  std::uint64_t time_ns = 0;
  std::uint64_t usage_bytes = 0;  // never above the kernel's own maximum
  std::uint64_t watermark_bytes = 0;
  OptionalBytes limit_bytes;
  bool is_own = false;           // of the memcg that was charged, not of one above it
  std::uint64_t rise_bytes = 0;  // how far it rises until that counts as a spike or a burst
};

struct Living {
  std::string path;
  facts::Description description;
  std::optional<facts::MemcgIndex> parent;  // unset: a root of the target
  std::uint64_t rise_bytes = 0;             // see Reading
  std::optional<Reading> last;
  std::uint64_t refused_charges = 0;  // over the recording, as told
  std::uint64_t last_stall_ns = 0;    // when a task in it waited last
  std::size_t children = 0;
  bool is_closer = false;  // pages are watched in it, where they are not in all
};

class Census {
 public:
  // `rise_bytes`: what counts as a spike, where somebody said so.
  explicit Census(std::optional<std::uint64_t> rise_bytes) : asked_rise_bytes_(rise_bytes) {}

  void apply(const facts::Fact& fact);
  void see(const Reading& reading);

  const std::map<facts::MemcgIndex, Living>& all() const { return living_; }
  const Living* find(facts::MemcgIndex memcg) const { return const_cast<Census*>(this)->known(memcg); }

  // Judges anew what counts as a spike in each, now and then: a limit above it may be another. As
  // lives::LifeTable has it of bursts, each is judged by its own limit, or by the nearest one above.
  void judge_rises();

  // In any.
  std::uint64_t least_rise_bytes() const;

  // Pages are watched in these, and all that is or will be below them, alone.
  void look_closer_at(const std::vector<facts::MemcgIndex>& roots);

 private:
  Living* known(facts::MemcgIndex memcg);
  std::uint64_t rise_of(const Living& living) const;
  void take_birth(const facts::MemcgFound& found);
  void take_row(facts::MemcgIndex memcg, const timeline::Row& row);

  std::optional<std::uint64_t> asked_rise_bytes_;
  std::map<facts::MemcgIndex, Living> living_;
  Nearby<Living> nearby_;
};

}  // namespace memspike::capture
