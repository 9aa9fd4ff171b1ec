#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <vector>

#include "report/cells.h"
#include "report/labels.h"
#include "report/pictures.h"
#include "report/table.h"
#include "report/tables.h"
#include "report/verdict.h"

namespace memspike::report {
namespace {

constexpr std::size_t kMaxKills = 20;

std::string slope_cell(const Page& page, const OomKill& kill) {
  if (!kill.last_second || !kill.last_second->slope_bytes_per_second) return std::string(page.glyph().none);
  return slope_mib(*kill.last_second->slope_bytes_per_second);
}

std::string to_limit_cell(const Page& page, const OomKill& kill) {
  if (!kill.last_second || !kill.last_second->baseline_to_limit_ns) return std::string(page.glyph().none);
  return cell_duration(page, *kill.last_second->baseline_to_limit_ns);
}

Table kill_table(const Page& page, const std::vector<OomKill>& kills, std::size_t first) {
  constexpr bool kSpare = true;
  Table table({{"time (UTC)"},
               {"pid", Align::right},
               {"process", Align::left, 0, 8},
               {"usage", Align::right},
               {"limit", Align::right, 1},
               {"MiB/s", Align::right, 2},
               {"to limit", Align::right, 3},
               {"anon", Align::right, 4, 0, kSpare},
               {"file", Align::right, 6, 0, kSpare},
               {"shmem", Align::right, 7, 0, kSpare},
               {"score adj", Align::right, 5, 0, kSpare}});
  for (std::size_t i = first; i < kills.size(); ++i) {
    const OomKill& kill = kills[i];
    table.add_row({cell_time(page, kill.time_ns),
                   std::to_string(kill.pid),
                   {page.escape(kill.comm), Tone::strong},
                   cell_bytes(page, kill.usage_bytes),
                   kill.limit_bytes ? cell_bytes(page, *kill.limit_bytes) : std::string(page.glyph().none),
                   slope_cell(page, kill),
                   to_limit_cell(page, kill),
                   cell_bytes(page, kill.anon_rss_bytes),
                   cell_bytes(page, kill.file_rss_bytes),
                   cell_bytes(page, kill.shmem_rss_bytes),
                   std::to_string(kill.oom_score_adj)});
  }
  return table;
}

std::string_view how_known(const Verdict& verdict) {
  switch (verdict.source) {
    case LimitSource::kernel:
      return "the kernel says so";
    case LimitSource::kernel_log:
      return "the kernel's log says so";
    case LimitSource::inferred:
      break;
  }
  return "inferred from usage and limits";
}

// The room that was left on the way up to the root, at the last kill; the level that was hit is marked.
void write_chain(Page& page, const OomKill& kill, const Report& report) {
  if (kill.chain.empty()) return;
  Table table({{"at the last kill"},
               {"usage", Align::right},
               {"limit", Align::right},
               {"headroom", Align::right},
               {""}});
  for (const OomKill::Level& level : kill.chain) {
    const bool is_hit = kill.limit_path == level.path;
    const std::string none(page.glyph().none);
    table.add_row({limit_owner(level.path, report, page),
                   cell_bytes(page, level.usage_bytes),
                   level.limit_bytes ? cell_bytes(page, *level.limit_bytes) : none,
                   level.limit_bytes ? cell_bytes(page, *level.headroom_bytes()) : none,
                   {is_hit ? "the limit that was hit" : "", Tone::warn}});
  }
  page.line();
  page.raw(table.render(page.style(), kIndent));
}

// Who asked for what was not there: of the last kill.
void name_trigger(Page& page, const OomKill& kill) {
  if (!kill.trigger) return;
  const std::string comm =
      kill.trigger->comm.empty() ? std::string(page.glyph().none) : page.escape(kill.trigger->comm);
  const auto is_victim = [&](const OomKill::Victim& victim) { return victim.pid == kill.trigger->pid; };
  const bool died = std::any_of(kill.victims.begin(), kill.victims.end(), is_victim);
  page.fact("asked", fmt::format("{} (pid {}): its charge failed, and the kill hit {}", comm,
                                 kill.trigger->pid, died ? "itself" : "another"));
}

void quote_log(Page& page, const OomKill& kill) {
  for (const std::string& line : kill.log_lines) page.fact("log", page.escape(line), Tone::faint);
  if (!kill.log_disagrees) return;
  page.fact("",
            "the log names another cgroup than the one that was asked from the kernel: trust neither blindly",
            Tone::warn);
}

// Whose limit it was, where that is not the memcg's own: nobody is surprised by that one.
void explain_causes(Page& page, const Subject& subject, std::size_t first, const Report& report) {
  for (const Verdict& verdict : verdicts_of(subject, first, report, page)) {
    if (verdict.own) continue;
    const std::string which =
        verdict.kills == 1 ? page.time(verdict.first_ns) + ":" : counted(verdict.kills, "kill");
    page.fact("", fmt::format("{} {} ({})", which, verdict.cause, how_known(verdict)), Tone::warn);
  }
}

void explain_kills(Page& page, const Subject& subject, std::size_t first, const Report& report) {
  const Memcg& memcg = subject.memcg;
  const auto& kills = memcg.oom_kills;
  explain_causes(page, subject, first, report);
  for (std::size_t i = first; i < kills.size(); ++i) {
    if (kills[i].victims.size() < 2) continue;
    page.fact("", fmt::format("{}: {} killed together (memory.oom.group)", page.time(kills[i].time_ns),
                              counted(kills[i].victims.size(), "process", "processes")));
  }
  std::size_t victims = 0;
  std::size_t twice = 0;  // the kernel may count the chosen victim of a group kill twice
  for (const OomKill& kill : kills) {
    victims += std::max<std::size_t>(1, kill.victims.size());
    twice += kill.victims.size() > 1 ? 1 : 0;
  }
  const std::uint64_t counted_by_kernel = memcg.kernel_oom_kills.value_or(victims);
  if (!subject.has_children && (counted_by_kernel < victims || counted_by_kernel > victims + twice)) {
    page.fact("",
              fmt::format("the kernel counted {} here, not {}", counted(*memcg.kernel_oom_kills, "OOM kill"),
                          victims),
              Tone::warn);
  }
}

}  // namespace

void write_kills(Page& page, const Subject& subject, const Report& report) {
  const auto& kills = subject.memcg.oom_kills;
  if (kills.empty() && !subject.kills_missed()) return;
  if (subject.kills_listed_below) {
    page.line();
    page.fact("", fmt::format("{} below, listed there", counted(kills.size(), "OOM kill")), Tone::faint);
    return;
  }
  heading(page, counted(kills.size(), "OOM kill"));
  const std::size_t first = kills.size() > kMaxKills ? kills.size() - kMaxKills : 0;
  if (first > 0) and_more(page, fmt::format("{} earlier, and then", grouped(first)));
  if (!kills.empty()) page.raw(kill_table(page, kills, first).render(page.style(), kIndent));
  explain_kills(page, subject, first, report);
  write_last_second(page, subject, report);
  if (kills.empty()) return;
  write_chain(page, kills.back(), report);
  name_trigger(page, kills.back());
  quote_log(page, kills.back());
}

}  // namespace memspike::report
