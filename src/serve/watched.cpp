#include "serve/watched.h"

#include <algorithm>

#include "cgroup/text.h"

namespace memspike::serve {
namespace {

constexpr int kMaxDepth = 32;

}  // namespace

template <class IsMeant>
Life* Watched::walk_up(Life* from, IsMeant is_meant) {
  for (int depth = 0; from != nullptr && depth < kMaxDepth; ++depth, from = above(*from)) {
    if (is_meant(*from)) return from;
  }
  return nullptr;
}

Life* Watched::add(const facts::MemcgFound& found, std::uint64_t now_ns) {
  const auto [place, is_new] = lives_.try_emplace(found.memcg);
  if (!is_new) return nullptr;
  ++living_;
  place->second.found = found;
  place->second.found_ns = now_ns;
  return &place->second;
}

void Watched::end(Life& life, std::uint64_t time_ns) {
  --living_;
  life.gone_ns = time_ns;
}

void Watched::forget_before(std::uint64_t time_ns) {
  std::erase_if(lives_,
                [&](const auto& entry) { return entry.second.gone_ns && *entry.second.gone_ns < time_ns; });
}

Life* Watched::find(facts::MemcgIndex memcg) {
  const auto known = lives_.find(memcg);
  return known == lives_.end() ? nullptr : &known->second;
}

Life* Watched::subject_at(facts::MemcgIndex memcg) {
  return walk_up(find(memcg), [](const Life& life) { return life.subject || life.is_excluded; });
}

const Life* Watched::pod_of(const Life& life) {
  return walk_up(above(life),
                 [](const Life& each) { return each.found.description.role == facts::Role::pod; });
}

OptionalBytes Watched::limit_above(const Life& life) {
  const Life* level =
      walk_up(above(life), [](const Life& each) { return static_cast<bool>(each.limit_bytes); });
  return level != nullptr ? level->limit_bytes : OptionalBytes{};
}

KilledBy Watched::killed_by(const facts::Kill& kill, const Life& life) {
  if (!kill.limit_path) return KilledBy::node;
  if (cgroup::is_below(*kill.limit_path, life.found.path)) return KilledBy::own;
  const Life* level =
      walk_up(above(life), [&](const Life& each) { return each.found.path == *kill.limit_path; });
  const bool is_pod = level != nullptr && level->found.description.role == facts::Role::pod;
  return is_pod ? KilledBy::pod : KilledBy::ancestor;
}

Watched::Family Watched::family_of(const Life& life, std::uint64_t from_ns) {
  Family family{&life, {}};
  walk_up(above(life), [&](const Life& each) {
    const bool is_more = is_aggregate(each.found.path, each.found.description);
    if (!is_more) family.top = &each;
    return is_more;
  });
  for (const auto& [index, each] : lives_) {
    if (each.gone_ns && *each.gone_ns < from_ns) continue;
    if (cgroup::is_below(each.found.path, family.top->found.path)) family.members.push_back(index);
  }
  std::sort(family.members.begin(), family.members.end());  // by birth
  return family;
}

}  // namespace memspike::serve
