#include "report/death.h"

#include <algorithm>

#include "cgroup/text.h"

namespace memspike::report {
namespace {

// A container that ends this soon after a process that came from outside did so because of it.
constexpr std::uint64_t kAtOnceNs = 5'000'000'000;

}  // namespace

std::uint64_t OomKill::victims_in(const std::string& path) const {
  const auto is_in = [&](const Victim& victim) {
    return victim.cgroup.empty() || cgroup::is_below(victim.cgroup, path);
  };
  return static_cast<std::uint64_t>(std::count_if(victims.begin(), victims.end(), is_in));
}

Fate fate_of(const OomKill& kill, const std::string& path) {
  const auto lost = [&](facts::Standing standing) {
    return std::any_of(kill.victims.begin(), kill.victims.end(), [&](const OomKill::Victim& victim) {
      return victim.standing == standing && cgroup::is_below(victim.cgroup, path);
    });
  };
  if (lost(facts::Standing::main)) return Fate::ended_with_main;
  if (!kill.after) return Fate::unknown;
  if (kill.after->lives) return Fate::lives;
  const bool at_once = kill.after->ended_after_ns.value_or(0) <= kAtOnceNs;
  return lost(facts::Standing::outside) && at_once ? Fate::ended_with_main : Fate::ended;
}

std::optional<bool> shows_oomkilled(const OomKill& kill, const Memcg& memcg, const facts::Session& session) {
  const Fate fate = fate_of(kill, memcg.path);
  if (memcg.role != facts::Role::container || fate == Fate::unknown) return std::nullopt;
  if (fate == Fate::lives) return false;
  return session.cgroup_mode == "v2" || kill.limit_path.has_value();
}

}  // namespace memspike::report
