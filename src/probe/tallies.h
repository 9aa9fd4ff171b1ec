// The tallies of all triggers on all CPUs, mapped: read without a system call, where the BPF
// programs count. A 64-bit field is read whole; two fields may be one firing apart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "memspike/abi.h"

namespace memspike::probe {

// One for each trigger on each possible CPU: the size of the map.
std::uint32_t tally_count();

class Tallies {
 public:
  // `fd`: the map, made with tally_count() entries.
  static Result<Tallies> map(int fd);

  Tallies() = default;
  Tallies(const Tallies&) = delete;
  Tallies& operator=(const Tallies&) = delete;
  Tallies(Tallies&& other) noexcept;
  Tallies& operator=(Tallies&& other) noexcept;
  ~Tallies();

  // At cpu * MEMSPIKE_TRIGGER_COUNT + trigger.
  std::span<memspike_tally> all() const { return tallies_; }

 private:
  std::span<memspike_tally> tallies_;
};

}  // namespace memspike::probe
