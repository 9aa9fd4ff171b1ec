// Stacks added up: how much was charged from each place in the code.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace memspike::culprit {

// A place: the same frames in the same process on behalf of the same owner (a memcg, by whatever
// number the caller knows it).
struct StackKey {
  std::uint32_t owner = 0;
  std::uint32_t tgid = 0;
  std::string comm;
  std::vector<std::uint64_t> kernel;  // instruction addresses, innermost first
  std::vector<std::uint64_t> user;
  std::uint8_t ending = 0;   // of the user's frames: whatever the caller means by it
  std::uint32_t period = 0;  // when: the same

  friend bool operator==(const StackKey&, const StackKey&) = default;
};

struct StackSum {
  std::uint64_t bytes = 0;
  std::uint64_t samples = 0;
};

class StackTable {
 public:
  // max_stacks: told apart. About 600 bytes each.
  explicit StackTable(std::size_t max_stacks = 16'384) : max_stacks_(max_stacks) {}

  // False: there was no room for a place that is new.
  bool add(StackKey key, std::uint64_t bytes);

  // What found no room.
  const StackSum& overflow() const { return overflow_; }

  // Most bytes first; places of equal weight in a fixed order. Leaves none, and no overflow.
  std::vector<std::pair<StackKey, StackSum>> take();

  std::size_t size() const { return sums_.size(); }

 private:
  struct Hash {
    std::size_t operator()(const StackKey& key) const;
  };

  std::size_t max_stacks_;
  std::unordered_map<StackKey, StackSum, Hash> sums_;
  StackSum overflow_;
};

}  // namespace memspike::culprit
