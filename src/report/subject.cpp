#include "report/subject.h"

#include <algorithm>
#include <utility>

#include "report/death.h"
#include "report/merge.h"

namespace memspike::report {
namespace {

bool is_below(const Memcg& child, const Memcg& parent) {
  const std::string prefix = parent.path == "/" ? parent.path : parent.path + "/";
  return child.path.size() > prefix.size() && child.path.compare(0, prefix.size(), prefix) == 0;
}

bool same_container(const Memcg& a, const Memcg& b) {
  return a.role == facts::Role::container && b.role == facts::Role::container && a.container && b.container &&
         a.container->name && a.container->name == b.container->name &&
         parent_of(a.path) == parent_of(b.path);
}

// The kills of all, by time, each with the memcg that it happened in: a restarted container's lives
// have one limit each.
void gather_kills(Subject& subject, const Lives& members) {
  std::vector<std::pair<const OomKill*, const Memcg*>> kills;
  for (const Memcg* member : members) {
    for (const OomKill& kill : member->oom_kills) kills.emplace_back(&kill, member);
  }
  std::stable_sort(kills.begin(), kills.end(),
                   [](const auto& a, const auto& b) { return a.first->time_ns < b.first->time_ns; });
  for (const auto& [kill, member] : kills) {
    subject.memcg.oom_kills.push_back(*kill);
    subject.kill_cgroups.push_back(member->path);
  }
}

Subject make_subject(const Lives& members) {
  Subject subject;
  subject.memcg = first_life(*members.front());
  subject.members = members;
  subject.lives = members.size();
  std::vector<std::uint64_t> typical;
  std::vector<std::uint64_t> levels;
  for (const Memcg* member : members) {
    if (member != members.front()) add_life(subject.memcg, *member);
    if (!member->overview.empty()) subject.overviews.push_back(&member->overview);
    if (member->usage.typical_bytes) typical.push_back(*member->usage.typical_bytes);
    if (const auto level_bytes = member->usage.level_bytes()) levels.push_back(*level_bytes);
    if (member->kernel_peak_bytes) {
      subject.peaks.push_back({member->usage.peak_bytes, *member->kernel_peak_bytes});
    }
  }
  subject.memcg.usage.wanders = levels.empty();
  subject.memcg.usage.typical_bytes = median(levels.empty() ? std::move(typical) : std::move(levels));
  std::stable_sort(subject.memcg.spikes.begin(), subject.memcg.spikes.end(),
                   [](const auto& a, const auto& b) { return a.peak_ns < b.peak_ns; });
  std::stable_sort(subject.memcg.bursts.begin(), subject.memcg.bursts.end(),
                   [](const auto& a, const auto& b) { return a.top.time_ns < b.top.time_ns; });
  gather_kills(subject, members);
  return subject;
}

// Whether the parent's burst is the child's: the child was at its top while the parent was up.
bool shown_by(const spike::Burst& burst, const Memcg& child) {
  const auto first = std::lower_bound(child.bursts.begin(), child.bursts.end(), burst.floor.time_ns,
                                      [](const auto& b, std::uint64_t time) { return b.top.time_ns < time; });
  return first != child.bursts.end() && first->top.time_ns <= burst.end_ns;
}

bool listed_in(const OomKill& kill, const Memcg& child) {
  auto other = std::lower_bound(child.oom_kills.begin(), child.oom_kills.end(), kill.time_ns,
                                [](const auto& k, std::uint64_t time) { return k.time_ns < time; });
  for (; other != child.oom_kills.end() && other->time_ns == kill.time_ns; ++other) {
    if (other->pid == kill.pid) return true;
  }
  return false;
}

void compare_with_children(Subject& subject, const std::vector<Subject>& all) {
  const Memcg& memcg = subject.memcg;
  std::vector<const Memcg*> children;
  for (const Subject& other : all) {
    if (is_below(other.memcg, memcg)) children.push_back(&other.memcg);
  }
  subject.has_children = !children.empty();
  const auto in_a_child = [&](auto&& test) { return std::any_of(children.begin(), children.end(), test); };
  subject.kills_listed_below =
      !memcg.oom_kills.empty() &&
      std::all_of(memcg.oom_kills.begin(), memcg.oom_kills.end(), [&](const OomKill& kill) {
        return in_a_child([&](const Memcg* child) { return listed_in(kill, *child); });
      });
  subject.echoes_standing = in_a_child([](const Memcg* child) {
    return !child->at_limit.standstills.empty() || child->at_limit.was_held_at_high();
  });
  subject.echoes_child =
      !memcg.bursts.empty() && (memcg.oom_kills.empty() || subject.kills_listed_below) &&
      std::all_of(memcg.bursts.begin(), memcg.bursts.end(), [&](const spike::Burst& burst) {
        return in_a_child([&](const Memcg* child) { return shown_by(burst, *child); });
      });
}

}  // namespace

// A parent's count may include its children's. The kernel may count the chosen victim of a group twice.
std::uint64_t Subject::kills_unseen() const {
  if (has_children || !memcg.kernel_oom_kills) return 0;
  std::uint64_t victims = memcg.forgotten_kills.victims;
  std::uint64_t twice = 0;
  for (std::size_t i = 0; i < memcg.oom_kills.size(); ++i) {
    const OomKill& kill = memcg.oom_kills[i];
    victims += std::max<std::uint64_t>(1, kill.victims_in(kill_cgroups[i]));
    twice += kill.victims.size() > 1 ? 1 : 0;
  }
  const std::uint64_t counted = *memcg.kernel_oom_kills;
  return counted > victims + twice ? counted - victims : 0;
}

bool Subject::outlived_kills() const {
  const auto lived = [&](std::size_t i) {
    return fate_of(memcg.oom_kills[i], kill_cgroups[i]) == Fate::lives;
  };
  for (std::size_t i = 0; i < memcg.oom_kills.size(); ++i) {
    if (!lived(i)) return false;
  }
  return !memcg.oom_kills.empty() && lives == 1;
}

std::vector<Lives> lives_of(const Report& report) {
  std::vector<Lives> groups;
  for (const Memcg& memcg : report.memcgs) {
    const auto known = std::find_if(groups.begin(), groups.end(), [&](const auto& members) {
      return same_container(*members.front(), memcg);
    });
    known == groups.end() ? groups.push_back({&memcg}) : known->push_back(&memcg);
  }
  return groups;
}

std::vector<Subject> subjects_of(const Report& report) {
  std::vector<Subject> subjects;
  const std::vector<Lives> groups = lives_of(report);
  const std::vector<std::optional<LimitAdvice>> limits = advise_limits(groups);
  for (std::size_t i = 0; i < groups.size(); ++i) {
    subjects.push_back(make_subject(groups[i]));
    subjects.back().limits = limits[i];
  }
  for (Subject& subject : subjects) compare_with_children(subject, subjects);
  return subjects;
}

}  // namespace memspike::report
