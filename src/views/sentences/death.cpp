#include "views/sentences/death.h"

#include <fmt/core.h>

#include <algorithm>

#include "cgroup/text.h"

namespace memspike::views {
namespace {

std::string process(const Page& page, const std::string& comm, std::uint32_t pid) {
  const std::string name = comm.empty() ? std::string(page.glyph().none) : page.escape(comm);
  return fmt::format("{} (pid{}{})", name, kGlue, pid);
}

std::string noun_of(const report::Memcg& memcg) {
  return memcg.role == facts::Role::container ? "container" : "cgroup";
}

// Who it was in there; of a group kill the main process, else the first one.
const report::OomKill::Victim* foremost(const report::OomKill& kill, const std::string& path) {
  const report::OomKill::Victim* found = nullptr;
  for (const report::OomKill::Victim& victim : kill.victims) {
    if (!victim.cgroup.empty() && !cgroup::is_below(victim.cgroup, path)) continue;
    if (found == nullptr || victim.standing == facts::Standing::main) found = &victim;
  }
  return found;
}

std::string standing_of(const report::OomKill::Victim& victim, report::Fate fate, const std::string& noun,
                        const Page& page) {
  switch (victim.standing) {
    case facts::Standing::main:
      return fmt::format(", the {}'s main process", noun);
    case facts::Standing::child:
      return ", a child of " + process(page, victim.parent_comm, victim.parent_pid);
    case facts::Standing::outside:
      if (fate == report::Fate::ended_with_main) return fmt::format(", the {}'s main process", noun);
      return ", started from outside by " + process(page, victim.parent_comm, victim.parent_pid);
    case facts::Standing::unknown:
      break;
  }
  return "";
}

std::string shown(std::optional<bool> oomkilled, report::Fate fate) {
  if (!oomkilled) return "";
  if (fate == report::Fate::lives)
    return ". Nothing shows OOMKilled while it runs; containerd will when it ends, whatever ends it";
  if (*oomkilled) return fate == report::Fate::ended ? ". The runtime shows OOMKilled" : ": OOMKilled";
  return ". The runtime does not show OOMKilled: on cgroup v1 it learns of limits only";
}

std::string outcome_of(const report::OomKill& kill, report::Fate fate, const std::string& noun,
                       const Page& page) {
  switch (fate) {
    case report::Fate::ended_with_main:
      return fmt::format(": the {} ended with it, exit code 137", noun);
    case report::Fate::ended:
      if (!kill.after->ended_after_ns) return fmt::format(": nothing lived in the {} at the end", noun);
      return fmt::format(": the {} ended {} later", noun, page.duration(*kill.after->ended_after_ns));
    case report::Fate::lives:
      return fmt::format(": the {} lives on", noun);
    case report::Fate::unknown:
      break;
  }
  return "";
}

}  // namespace

std::string death_of(const report::OomKill& kill, const report::Memcg& memcg, const report::Report& report,
                     const Page& page) {
  const report::Fate fate = report::fate_of(kill, memcg.path);
  const report::OomKill::Victim* victim = foremost(kill, memcg.path);
  if (victim == nullptr) return "";
  const std::string noun = noun_of(memcg);
  const std::string standing = standing_of(*victim, fate, noun, page);
  const std::string outcome = outcome_of(kill, fate, noun, page);
  if (standing.empty() && outcome.empty()) return "";
  return process(page, victim->comm, victim->pid) + standing + outcome +
         shown(report::shows_oomkilled(kill, memcg, report.session), fate);
}

}  // namespace memspike::views
