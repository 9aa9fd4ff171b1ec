#include "lives/timeline_rows.h"

#include <utility>
#include <variant>

#include "cgroup/scan.h"

namespace memspike::lives {
namespace {

constexpr std::size_t kMaxShown = 1U << 22;  // a hostile recording must not make us allocate

}  // namespace

bool is_wanted(const facts::Description& description, const std::vector<std::string>& containers) {
  if (!description.in_target) return false;
  if (containers.empty()) return true;
  if (!description.container) return false;
  return cgroup::container_matches(containers, {description.container->id, description.container->name});
}

bool TimelineRows::is_wanted(const facts::Description& description) const {
  return lives::is_wanted(description, containers_.empty() ? recorded_ : containers_);
}

void TimelineRows::see(const facts::MemcgFound& fact) {
  if (shown_.size() < kMaxShown)
    shown_.try_emplace(fact.memcg, Shown{fact.path, is_wanted(fact.description)});
}

void TimelineRows::apply(const facts::Fact& fact) {
  if (const auto* row = std::get_if<facts::MemcgRow>(&fact)) {
    const auto shown = shown_.find(row->memcg);
    if (shown != shown_.end() && shown->second.wanted) take_(shown->second.path, row->row);
  } else if (const auto* found = std::get_if<facts::MemcgFound>(&fact)) {
    see(*found);
  } else if (const auto* named = std::get_if<facts::MemcgNamed>(&fact)) {
    const auto shown = shown_.find(named->memcg);
    if (shown != shown_.end()) shown->second.wanted = is_wanted(named->description);
  } else if (const auto* gone = std::get_if<facts::MemcgGone>(&fact)) {
    shown_.erase(gone->memcg);
  } else if (const auto* known = std::get_if<facts::SessionKnown>(&fact)) {
    recorded_ = known->session.container_filter;
  }
}

}  // namespace memspike::lives
