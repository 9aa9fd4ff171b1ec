// Which memory a memcg had from somebody who is gone: a tmpfs that an earlier container left behind, say.
#include <algorithm>
#include <map>
#include <optional>

#include "lives/life_table.h"

namespace memspike::lives {
namespace {

constexpr std::uint64_t kLeastBytes = 1U << 20;

// What is charged to a memcg and to none of its living children, as two readings of about one time
// tell; and no process is in the memcg itself that could own it.
std::optional<report::Inherited> unowned(const composition::Reading& own, std::uint64_t childrens_bytes) {
  const std::uint64_t shmem = own.parts.shmem_bytes.value_or(0);
  const std::uint64_t rest = shmem - std::min(shmem, childrens_bytes);
  if (rest < kLeastBytes) return std::nullopt;
  return report::Inherited{own.time_ns, rest};
}

}  // namespace

// By the first reading of each memcg, else by the last one. Page cache is left out: it is dropped
// when room is needed; tmpfs stays until somebody deletes the file.
LifeTable::Inheritances LifeTable::find_inherited() const {
  // Children that were there when the parent was first read are read within the same turns.
  constexpr std::uint64_t kSameTimeNs = 1'000'000'000;
  std::map<facts::MemcgIndex, std::uint64_t> first_bytes;
  std::map<facts::MemcgIndex, std::uint64_t> last_bytes;
  for (const auto& [index, child] : lives_) {
    if (!child->parent || !child->readings().first()) continue;
    const Life* parent = at(*child->parent);
    if (parent == nullptr || !parent->readings().first()) continue;
    const composition::Reading& first = *child->readings().first();
    if (first.time_ns <= parent->readings().first()->time_ns + kSameTimeNs) {
      first_bytes[*child->parent] += first.parts.shmem_bytes.value_or(0);
    }
    if (!child->told().gone)
      last_bytes[*child->parent] += child->readings().last()->parts.shmem_bytes.value_or(0);
  }
  Inheritances all;
  for (const auto& [index, memcg] : lives_) {
    if (!memcg->readings().first()) continue;
    std::optional<report::Inherited> inherited;
    if (memcg->empty_at_first) inherited = unowned(*memcg->readings().first(), first_bytes[index]);
    if (memcg->empty_at_last && !memcg->told().gone && !inherited)
      inherited = unowned(*memcg->readings().last(), last_bytes[index]);
    if (inherited) all.emplace(index, *inherited);
  }
  return all;
}

}  // namespace memspike::lives
