// Who was killed, and what became of the container.
#include <algorithm>
#include <utility>

#include "cgroup/text.h"
#include "lives/life_table.h"

namespace memspike::lives {
namespace {

constexpr std::size_t kMaxVictims = 256;  // of one incident

}  // namespace

// A container that is killed every few seconds must not make the report grow without bounds.
void LifeTable::keep_few_windows(facts::MemcgIndex memcg, std::size_t kill) {
  windows_.emplace_back(memcg, kill);
  if (windows_.size() <= options_.retention.kill_windows) return;
  if (Life* oldest = at(windows_.front().first)) oldest->drop_timeline_of_kill(windows_.front().second);
  windows_.pop_front();
}

// More victims of the last incident, which all its entries name. False: this memcg has no entry yet.
bool LifeTable::add_victims(const facts::Kill& kill, facts::MemcgIndex memcg) {
  bool has_entry = false;
  for (const auto& [index, entry] : incident_.entries) {
    has_entry = has_entry || index == memcg;
    Life* state = at(index);
    report::OomKill* known = state != nullptr ? state->kill(entry) : nullptr;
    if (known == nullptr) continue;
    auto& victims = known->victims;
    if (victims.size() < kMaxVictims) victims.insert(victims.end(), kill.victims.begin(), kill.victims.end());
  }
  return has_entry;
}

void LifeTable::handle(const facts::ProcessKilled& fact) {
  const bool joins = fact.same_incident && !incident_.entries.empty();
  const std::uint32_t number = joins ? incident_.number : incident_.number + 1;
  for (const facts::MemcgIndex index : fact.memcgs) {
    Life* memcg = at(index);
    if (memcg == nullptr) continue;
    memcg->note_kill(fact.kill.time_ns, number);
    if (memcg->has_findings()) tell_findings(index, *memcg);
  }
  if (!joins) incident_ = {number, {}};
  Life* memcg = fact.memcgs.empty() ? nullptr : at(fact.memcgs.front());
  if (memcg == nullptr) return;
  if (joins && add_victims(fact.kill, fact.memcgs.front())) return;
  // What led here is to be seen where the limit was hit, if that is in the target.
  const Life* hit = nullptr;
  for (const facts::MemcgIndex index : fact.memcgs) {
    const Life* level = at(index);
    if (level != nullptr && fact.kill.limit_path == level->path()) hit = level;
  }
  report::OomKill kill(fact.kill);
  kill.incident = incident_.number;
  if (joins) {
    const auto& [index, entry] = incident_.entries.front();
    Life* first = at(index);
    const report::OomKill* known = first != nullptr ? first->kill(entry) : nullptr;
    if (known != nullptr) kill.victims = known->victims;
  }
  kill.last_second = (hit != nullptr ? *hit : *memcg).last_second(kill.time_ns, hit != nullptr);
  memcg->add_kill(std::move(kill), options_.retention.kills_of_each);
  if (memcg->wanted) ++kills_;
  const auto is_shown = [this](const auto& entry) {
    const Life* state = at(entry.first);
    return state != nullptr && state->wanted;
  };
  const auto& entries = incident_.entries;
  if (memcg->wanted && std::any_of(entries.begin(), entries.end(), is_shown)) ++entries_beside_;
  incident_.entries.emplace_back(fact.memcgs.front(), memcg->kills() - 1);
  keep_few_windows(fact.memcgs.front(), memcg->kills() - 1);
}

// A process below a memcg is one that its container lives on with.
std::set<const Life*> LifeTable::populated() const {
  std::set<const Life*> all;
  for (const auto& [index, memcg] : lives_) {
    if (!memcg->populated.value_or(false)) continue;
    const Life* above = memcg.get();
    for (int depth = 0; above != nullptr && depth < kMaxLevels; ++depth) {
      all.insert(above);
      above = above->parent ? at(*above->parent) : nullptr;
    }
  }
  return all;
}

const Life& LifeTable::container_of(const Life& memcg) const {
  const Life* level = &memcg;
  for (int depth = 0; level != nullptr && depth < kMaxLevels; ++depth) {
    if (level->told().role == facts::Role::container) return *level;
    level = level->parent ? at(*level->parent) : nullptr;
  }
  return memcg;
}

// A container ends with its main process, and its cgroup goes soon after; where neither was seen, the last
// look tells whether anything lived in there.
std::optional<report::OomKill::After> LifeTable::after(const report::OomKill& kill, const Life& memcg,
                                                       const std::set<const Life*>& populated) const {
  using After = report::OomKill::After;
  const Life& container = container_of(memcg);
  const auto is_main = [&](const facts::Kill::Victim& victim) {
    return victim.standing == facts::Standing::main && cgroup::is_below(victim.cgroup, container.path());
  };
  if (std::any_of(kill.victims.begin(), kill.victims.end(), is_main)) return After{false, 0};
  if (container.told().gone)
    return After{false, container.gone_ns - std::min(container.gone_ns, kill.time_ns)};
  if (populated.contains(&container)) return After{true, {}};
  return container.populated ? std::optional(After{false, {}}) : std::nullopt;
}

void LifeTable::tell_what_became(std::vector<report::Memcg>& memcgs, const States& states) const {
  const std::set<const Life*> lived_in = populated();
  for (std::size_t i = 0; i < memcgs.size(); ++i) {
    for (report::OomKill& kill : memcgs[i].oom_kills) {
      kill.after = after(kill, *states[i].state, lived_in);
    }
  }
}

}  // namespace memspike::lives
