// Which memory a memcg had from somebody who is gone: a tmpfs that an earlier container left behind, say.
#include <algorithm>
#include <vector>

#include "report/builder.h"

namespace memspike::report {
namespace {

constexpr std::uint64_t kLeastBytes = 1U << 20;

// What is charged to a memcg and to none of its living children, as two readings of about one time
// tell; and no process is in the memcg itself that could own it.
std::optional<Inherited> unowned(const composition::Reading& own, std::uint64_t childrens_bytes) {
  const std::uint64_t shmem = own.parts.shmem_bytes.value_or(0);
  const std::uint64_t rest = shmem - std::min(shmem, childrens_bytes);
  if (rest < kLeastBytes) return std::nullopt;
  return Inherited{own.time_ns, rest};
}

}  // namespace

// By the first reading of each memcg, else by the last one. Page cache is left out: it is dropped
// when room is needed; tmpfs stays until somebody deletes the file.
void Builder::name_inherited() {
  // Children that were there when the parent was first read are read within the same turns.
  constexpr std::uint64_t kSameTimeNs = 1'000'000'000;
  std::vector<std::uint64_t> first_bytes(memcgs_.size());
  std::vector<std::uint64_t> last_bytes(memcgs_.size());
  for (const auto& child : memcgs_) {
    if (!child || !child->parent || !child->readings().first()) continue;
    const MemcgState* parent = at(*child->parent);
    if (parent == nullptr || !parent->readings().first()) continue;
    const composition::Reading& first = *child->readings().first();
    if (first.time_ns <= parent->readings().first()->time_ns + kSameTimeNs) {
      first_bytes[*child->parent] += first.parts.shmem_bytes.value_or(0);
    }
    if (!child->gone) last_bytes[*child->parent] += child->readings().last()->parts.shmem_bytes.value_or(0);
  }
  for (std::size_t i = 0; i < memcgs_.size(); ++i) {
    MemcgState* memcg = memcgs_[i].get();
    if (memcg == nullptr || !memcg->readings().first()) continue;
    if (memcg->empty_at_first) memcg->inherited = unowned(*memcg->readings().first(), first_bytes[i]);
    if (memcg->empty_at_last && !memcg->gone && !memcg->inherited) {
      memcg->inherited = unowned(*memcg->readings().last(), last_bytes[i]);
    }
  }
}

}  // namespace memspike::report
