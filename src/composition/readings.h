// The readings of one memcg, and which pair of them tells what a spike consisted of.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "composition/parts.h"
#include "spike/burst.h"
#include "spike/spike.h"

namespace memspike::composition {

class Readings {
 public:
  // More than `capacity`: every second one of the older half is forgotten.
  explicit Readings(std::size_t capacity = 1024) : capacity_(capacity < 8 ? 8 : capacity) {}

  // Readings older than the latest are ignored.
  void add(const Reading& reading);

  // From the reading nearest to the spike's base to the one nearest to its peak, by usage. The base's: up
  // to the peak the one nearest to the base's height, and the latest of those that are about as near (the
  // last one before the left base, too, for what stood still until then). The peak's: the one that accounts
  // for most while usage was above half of the height, so that no other spike's is taken, however alike they
  // are. Nothing where the two are less than half of the height apart: they would tell of something else.
  std::optional<Growth> growth(const spike::Spike& spike) const;

  // The same of a burst, to its end: where usage stands at a limit, what it consists of there changes until
  // the kill. The end's: the latest one in its crest (else above half) that accounts for nine tenths of what
  // any of those does, for while memory is unmapped usage still stands; the arrival's is the first of those.
  std::optional<Makeup> makeup(const spike::Burst& burst) const;

  const std::optional<Reading>& first() const { return first_; }
  const std::optional<Reading>& last() const { return last_; }
  std::size_t size() const { return readings_.size(); }

  // The first and the last are still known.
  void clear() { readings_ = std::vector<Reading>(); }

 private:
  std::vector<Reading>::const_iterator after(std::uint64_t time_ns) const;  // the first one later than this
  struct Level {
    std::uint64_t since_ns = 0;
    std::uint64_t until_ns = 0;
    std::uint64_t bytes = 0;
    std::uint64_t height_bytes = 0;  // of what rises from it
  };
  const Reading* at_level(const Level& level) const;
  const Reading* at_base(const spike::Spike& spike) const;
  const Reading* at_peak(const spike::Spike& spike) const;

  std::size_t capacity_;
  std::vector<Reading> readings_;
  std::optional<Reading> first_;
  std::optional<Reading> last_;
};

}  // namespace memspike::composition
