#include "views/sentences/kill_facts.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "cgroup/text.h"
#include "views/sentences/death.h"
#include "views/sentences/labels.h"
#include "views/sentences/last_second_text.h"
#include "views/sentences/verdict.h"

namespace memspike::views {
namespace {

std::string_view how_known(const Verdict& verdict) {
  switch (verdict.source) {
    case facts::LimitSource::kernel:
      return "the kernel says so";
    case facts::LimitSource::kernel_log:
      return "the kernel's log says so";
    case facts::LimitSource::inferred:
      break;
  }
  return "inferred from usage and limits";
}

// What was refused to who asked for memory; nobody asked where it was lowered, or done by hand.
std::string_view refusal(const report::OomKill& kill) {
  if (kill.limit_path) return "its charge failed";
  return "no page could be had for it";
}

// One incident, all its victims; those that were elsewhere by name.
Labelled group_fact(const report::OomKill& kill, const std::string& path, const report::Report& report,
                    const Page& page) {
  constexpr std::size_t kMaxNamed = 4;
  std::vector<std::string> elsewhere;
  for (const report::OomKill::Victim& victim : kill.victims) {
    if (victim.cgroup.empty() || cgroup::is_below(victim.cgroup, path)) continue;
    elsewhere.push_back(fmt::format("{} (pid {}) in {}", page.escape(victim.comm), victim.pid,
                                    memcg_name(victim.cgroup, report, page)));
  }
  const std::size_t others = elsewhere.size();
  if (others > kMaxNamed) elsewhere.resize(kMaxNamed);
  std::string text = fmt::format("{}: {} killed together (memory.oom.group)", page.time(kill.time_ns),
                                 counted(kill.victims.size(), "process", "processes"));
  if (others > 0) text += fmt::format(", {} of them elsewhere: {}", others, fmt::join(elsewhere, ", "));
  if (others > kMaxNamed) text += fmt::format(" {}", page.glyph().ellipsis);
  return {"", text};
}

}  // namespace

std::size_t first_kill_shown(const report::Subject& subject) {
  const std::size_t kills = subject.memcg.oom_kills.size();
  return kills - std::min(kills, kMaxKillsShown);
}

Facts cause_facts(const report::Subject& subject, std::size_t first, const report::Report& report,
                  const Page& page) {
  Facts facts;
  for (const Verdict& verdict : verdicts_of(subject, first, report, page)) {
    if (verdict.own && verdict.known() && !verdict.lowered) continue;
    const std::string which =
        verdict.kills == 1 ? page.time(verdict.first_ns) + ":" : counted(verdict.kills, "kill");
    facts.push_back({"", fmt::format("{} {} ({})", which, verdict.phrase(), how_known(verdict)), Tone::warn});
  }
  return facts;
}

Facts count_facts(const report::Subject& subject, std::size_t first, const report::Report& report,
                  const Page& page) {
  Facts facts;
  const report::Memcg& memcg = subject.memcg;
  const auto& kills = memcg.oom_kills;
  for (std::size_t i = first; i < kills.size(); ++i) {
    if (kills[i].victims.size() >= 2)
      facts.push_back(group_fact(kills[i], subject.kill_cgroups[i], report, page));
  }
  std::uint64_t victims = memcg.forgotten_kills.victims;
  for (std::size_t i = 0; i < kills.size(); ++i)
    victims += std::max<std::uint64_t>(1, kills[i].victims_in(subject.kill_cgroups[i]));
  const std::uint64_t counted_by_kernel = memcg.kernel_oom_kills.value_or(victims);
  if (subject.kills_unseen() > 0 || (!subject.has_children && counted_by_kernel < victims)) {
    facts.push_back({"",
                     fmt::format("the kernel counted {} here, not {}",
                                 counted(*memcg.kernel_oom_kills, "OOM kill"), victims),
                     Tone::warn});
  }
  const auto logged =
      std::count_if(kills.begin(), kills.end(), [](const report::OomKill& kill) { return kill.only_logged; });
  if (logged > 0) {
    facts.push_back({"",
                     fmt::format("{} known from the kernel's log alone: the record was lost",
                                 counted(static_cast<std::uint64_t>(logged), "kill is", "kills are")),
                     Tone::warn});
  }
  return facts;
}

// The memcg that it hit may be one of several lives.
Facts death_facts(const report::Subject& subject, const report::Report& report, const Page& page) {
  const std::string& path = subject.kill_cgroups.back();
  const auto member = std::find_if(subject.members.begin(), subject.members.end(),
                                   [&](const report::Memcg* each) { return each->path == path; });
  if (member == subject.members.end()) return {};
  const std::string text = death_of(subject.memcg.oom_kills.back(), **member, report, page);
  if (text.empty()) return {};
  return {{"died", text}};
}

Facts trigger_facts(const report::OomKill& kill, const report::Report& report, const Page& page) {
  if (!kill.trigger) return {};
  const std::string comm =
      kill.trigger->comm.empty() ? std::string(page.glyph().none) : page.escape(kill.trigger->comm);
  const std::string who = fmt::format("{} (pid {})", comm, kill.trigger->pid);
  if (kill.limit_path && kill.lowered && kill.lowered->by_trigger) {
    return {
        {"by", fmt::format("{}: it set the limit of {} below usage, and the kernel kills where reclaim does "
                           "not make room; no charge failed",
                           who, limit_owner(*kill.limit_path, report, page))}};
  }
  if (!kill.limit_path && kill.node_kill == facts::NodeKill::by_hand) {
    return {{"by", fmt::format("{}, which does what SysRq-f asks for; nothing had run out", who)}};
  }
  const auto is_victim = [&](const report::OomKill::Victim& victim) {
    return victim.pid == kill.trigger->pid;
  };
  const bool died = std::any_of(kill.victims.begin(), kill.victims.end(), is_victim);
  return {
      {"asked", fmt::format("{}: {}, and the kill hit {}", who, refusal(kill), died ? "itself" : "another")}};
}

Facts log_facts(const report::OomKill& kill, const Page& page) {
  Facts facts;
  for (const std::string& line : kill.log_lines) facts.push_back({"log", page.escape(line), Tone::faint});
  if (kill.log_disagrees)
    facts.push_back({"", "the log contradicts what was seen: trust neither blindly", Tone::warn});
  return facts;
}

Labelled listed_below_fact(const report::Subject& subject) {
  return {"", fmt::format("{} below, listed there", counted(subject.memcg.oom_kills.size(), "OOM kill")),
          Tone::faint};
}

Facts kill_facts(const report::Subject& subject, const report::Report& report, const Page& page) {
  const auto& kills = subject.memcg.oom_kills;
  if (kills.empty() && !subject.kills_missed()) return {};
  if (subject.kills_listed_below) return {listed_below_fact(subject)};
  const std::size_t first = first_kill_shown(subject);
  Facts facts = cause_facts(subject, first, report, page);
  append(facts, count_facts(subject, first, report, page));
  append(facts, last_second_facts(subject, page));
  if (kills.empty()) return facts;
  append(facts, death_facts(subject, report, page));
  append(facts, trigger_facts(kills.back(), report, page));
  append(facts, log_facts(kills.back(), page));
  return facts;
}

}  // namespace memspike::views
