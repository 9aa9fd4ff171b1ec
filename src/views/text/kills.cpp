#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <vector>

#include "views/kit/cells.h"
#include "views/kit/table.h"
#include "views/sentences/kill_facts.h"
#include "views/sentences/labels.h"
#include "views/sentences/last_second_text.h"
#include "views/text/pictures.h"
#include "views/text/tables.h"

namespace memspike::views {
namespace {

std::string slope_cell(const Page& page, const report::OomKill& kill) {
  if (!kill.last_second || !kill.last_second->slope_bytes_per_second) return std::string(page.glyph().none);
  return slope_mib(*kill.last_second->slope_bytes_per_second);
}

std::string to_limit_cell(const Page& page, const report::OomKill& kill) {
  if (!kill.last_second || !kill.last_second->baseline_to_limit_ns) return std::string(page.glyph().none);
  return cell_duration(page, *kill.last_second->baseline_to_limit_ns);
}

Table kill_table(const Page& page, const std::vector<report::OomKill>& kills, std::size_t first) {
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
    const report::OomKill& kill = kills[i];
    table.add_row({cell_time(page, kill.time_ns),
                   std::to_string(kill.pid),
                   {page.escape(kill.comm), Tone::strong},
                   kill.only_logged ? std::string(page.glyph().none) : cell_bytes(page, kill.usage_bytes),
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

// The room that was left on the way up to the root, at the last kill; the level that was hit is marked.
void write_chain(Page& page, const report::OomKill& kill, const report::Report& report) {
  if (kill.chain.empty()) return;
  Table table({{"at the last kill"},
               {"usage", Align::right},
               {"limit", Align::right},
               {"headroom", Align::right},
               {""}});
  for (const report::OomKill::Level& level : kill.chain) {
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

}  // namespace

void write_kills(Page& page, const report::Subject& subject, const report::Report& report) {
  const auto& kills = subject.memcg.oom_kills;
  if (kills.empty() && !subject.kills_missed()) return;
  if (subject.kills_listed_below) {
    page.line();
    return page.facts({listed_below_fact(subject)});
  }
  heading(page, counted(subject.memcg.all_kills(), "OOM kill"));
  const std::size_t first = first_kill_shown(subject);
  const std::uint64_t earlier = subject.memcg.forgotten_kills.entries + first;
  if (earlier > 0) and_more(page, fmt::format("{} earlier, and then", grouped(earlier)));
  if (!kills.empty()) page.raw(kill_table(page, kills, first).render(page.style(), kIndent));
  page.facts(cause_facts(subject, first, report, page));
  page.facts(count_facts(subject, first, report, page));
  write_last_second(page, subject, report);
  if (kills.empty()) return;
  write_chain(page, kills.back(), report);
  page.facts(death_facts(subject, report, page));
  page.facts(trigger_facts(kills.back(), report, page));
  page.facts(log_facts(kills.back(), page));
}

}  // namespace memspike::views
