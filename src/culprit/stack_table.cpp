#include "culprit/stack_table.h"

#include <algorithm>
#include <functional>
#include <tuple>

namespace memspike::culprit {

std::size_t StackTable::Hash::operator()(const StackKey& key) const {
  // FNV-1a over words, then a final mix: addresses differ mostly in their lower bits.
  std::uint64_t hash = 0xcbf29ce484222325;
  const auto mix = [&](std::uint64_t word) { hash = (hash ^ word) * 0x100000001b3; };
  mix(key.owner);
  mix(key.tgid);
  mix(std::hash<std::string>{}(key.comm));
  for (const std::uint64_t frame : key.kernel) mix(frame);
  mix(key.kernel.size());
  for (const std::uint64_t frame : key.user) mix(frame);
  mix(key.ending + (std::uint64_t{key.period} << 8));
  return hash ^ (hash >> 32);
}

bool StackTable::add(StackKey key, std::uint64_t bytes) {
  auto known = sums_.find(key);
  if (known == sums_.end()) {
    if (sums_.size() >= max_stacks_) {
      overflow_.bytes += bytes;
      ++overflow_.samples;
      return false;
    }
    known = sums_.emplace(std::move(key), StackSum{}).first;
  }
  known->second.bytes += bytes;
  ++known->second.samples;
  return true;
}

std::vector<std::pair<StackKey, StackSum>> StackTable::take() {
  std::vector<std::pair<StackKey, StackSum>> stacks(sums_.begin(), sums_.end());
  sums_.clear();
  overflow_ = {};
  std::sort(stacks.begin(), stacks.end(), [](const auto& a, const auto& b) {
    if (a.second.bytes != b.second.bytes) return a.second.bytes > b.second.bytes;
    const auto place = [](const StackKey& k) {
      return std::tie(k.tgid, k.comm, k.user, k.kernel, k.owner, k.ending, k.period);
    };
    return place(a.first) < place(b.first);
  });
  return stacks;
}

}  // namespace memspike::culprit
