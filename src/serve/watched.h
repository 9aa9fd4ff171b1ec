// The cgroups that a service watches: who each is, and what is above it.
#pragma once

#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

#include "facts/fact.h"
#include "serve/meter.h"
#include "serve/subject.h"

namespace memspike::serve {

struct Life {
  facts::MemcgFound found;
  std::optional<SubjectId> subject;  // that it is, and that is watched
  bool is_excluded = false;
  OptionalBytes limit_bytes;
  std::uint64_t headroom_bytes = decode::kNoHeadroom;
  std::uint64_t found_ns = 0;
  bool is_caught_up = false;
  std::optional<std::uint64_t> gone_ns;
};

class Watched {
 public:
  // nullptr: it is known already.
  Life* add(const facts::MemcgFound& found, std::uint64_t now_ns);
  void end(Life& life, std::uint64_t time_ns);
  // What is gone since before then.
  void forget_before(std::uint64_t time_ns);

  Life* find(facts::MemcgIndex memcg);
  std::size_t living() const { return living_; }
  std::unordered_map<facts::MemcgIndex, Life>& all() { return lives_; }

  // The nearest subject from there upwards: what happens below a container happens to it. nullptr: none.
  Life* subject_at(facts::MemcgIndex memcg);
  // The pod that it is in; nullptr: none.
  const Life* pod_of(const Life& life);
  // The nearest limit above.
  OptionalBytes limit_above(const Life& life);
  // Whose limit it was, as the life sees it.
  KilledBy killed_by(const facts::Kill& kill, const Life& life);
  // All of its pod, for it may be the pod's limit that is hit; else all that is at and below it. Those that
  // are gone since before then are left out.
  struct Family {
    const Life* top = nullptr;
    std::vector<facts::MemcgIndex> members;  // parents before children
  };
  Family family_of(const Life& life, std::uint64_t from_ns);

 private:
  Life* above(const Life& life) { return life.found.parent ? find(*life.found.parent) : nullptr; }
  // The first one from there upwards that is meant.
  template <class IsMeant>
  Life* walk_up(Life* from, IsMeant is_meant);

  std::unordered_map<facts::MemcgIndex, Life> lives_;
  std::size_t living_ = 0;
};

}  // namespace memspike::serve
