#include "report/tables.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <vector>

#include "report/names.h"
#include "report/table.h"

namespace memspike::report {
namespace {

constexpr std::size_t kMaxSpikes = 20;
constexpr std::size_t kMaxKills = 20;
constexpr std::size_t kMaxProcesses = 10;

void heading(Page& page, std::string_view title, std::string_view remark = {}) {
  page.line();
  std::string text(kIndent, ' ');
  text += paint(title, Tone::strong, page.style());
  if (!remark.empty()) text += paint(fmt::format("  {}", remark), Tone::faint, page.style());
  page.raw(text + '\n');
}

std::string unglued(std::string text) {
  std::replace(text.begin(), text.end(), kGlue, ' ');
  return text;
}

std::string cell_bytes(const Page& page, std::uint64_t value) { return unglued(page.bytes(value)); }
std::string cell_duration(const Page& page, std::uint64_t ns) { return unglued(page.duration(ns)); }

void and_more(Page& page, std::string_view text) {
  page.fact("", fmt::format("{} {}", page.glyph().ellipsis, text), Tone::faint);
}

Cell outcome_cell(spike::Outcome outcome) {
  switch (outcome) {
    case spike::Outcome::fell:
      return "fell";
    case spike::Outcome::oom_kill:
      return {"OOM kill", Tone::alarm};
    case spike::Outcome::ongoing:
      return {"still up", Tone::warn};
  }
  return "";
}

// The spikes to show, in order of time: those that killed, then the most prominent.
std::vector<const spike::Spike*> most_telling(const std::vector<spike::Spike>& spikes) {
  std::vector<const spike::Spike*> chosen;
  for (const spike::Spike& spike : spikes) chosen.push_back(&spike);
  const auto rank = [](const spike::Spike* spike) {
    return std::pair(spike->outcome == spike::Outcome::oom_kill, spike->prominence_bytes);
  };
  std::stable_sort(chosen.begin(), chosen.end(), [&](auto* a, auto* b) { return rank(a) > rank(b); });
  if (chosen.size() > kMaxSpikes) chosen.resize(kMaxSpikes);
  std::stable_sort(chosen.begin(), chosen.end(), [](auto* a, auto* b) { return a->peak_ns < b->peak_ns; });
  return chosen;
}

Table spike_table(const Page& page, const std::vector<const spike::Spike*>& spikes) {
  Table table({{"time (UTC)"},
               {"peak", Align::right},
               {"height", Align::right, 2},
               {"rise", Align::right, 4},
               {"width", Align::right, 3},
               {"headroom", Align::right, 1},
               {"outcome"}});
  for (const spike::Spike* spike : spikes) {
    const auto headroom = headroom_of(*spike);
    table.add_row({unglued(page.time(spike->peak_ns)),
                   {cell_bytes(page, spike->peak_bytes), Tone::strong},
                   cell_bytes(page, spike->prominence_bytes),
                   cell_duration(page, spike->rise_ns),
                   cell_duration(page, spike->width_ns),
                   {headroom ? cell_bytes(page, *headroom) : std::string(page.glyph().none),
                    headroom == 0 ? Tone::alarm : Tone::plain},
                   outcome_cell(spike->outcome)});
  }
  return table;
}

Table kill_table(const Page& page, const std::vector<OomKill>& kills, std::size_t first) {
  Table table({{"time (UTC)"},
               {"pid", Align::right},
               {"process", Align::left, 0, 8},
               {"usage", Align::right},
               {"limit", Align::right, 1},
               {"anon", Align::right, 2},
               {"file", Align::right, 4},
               {"shmem", Align::right, 5},
               {"score adj", Align::right, 3}});
  for (std::size_t i = first; i < kills.size(); ++i) {
    const OomKill& kill = kills[i];
    table.add_row({unglued(page.time(kill.time_ns)),
                   std::to_string(kill.pid),
                   {page.escape(kill.comm), Tone::strong},
                   cell_bytes(page, kill.usage_bytes),
                   kill.limit_bytes ? cell_bytes(page, *kill.limit_bytes) : std::string(page.glyph().none),
                   cell_bytes(page, kill.anon_rss_bytes),
                   cell_bytes(page, kill.file_rss_bytes),
                   cell_bytes(page, kill.shmem_rss_bytes),
                   std::to_string(kill.oom_score_adj)});
  }
  return table;
}

// Whose limit it was, where that is not the memcg's own; and what died beside the victim.
void explain_kill(Page& page, const Memcg& memcg, const OomKill& kill) {
  const std::string_view how = kill.limit_known ? "the kernel says so" : "inferred from usage and limits";
  if (!kill.limit_path) {
    page.fact("",
              fmt::format("{}: the node ran out of memory, not a cgroup ({})", page.time(kill.time_ns), how),
              Tone::warn);
  } else if (*kill.limit_path != memcg.path) {
    page.fact("",
              fmt::format("{}: by the limit of {} ({})", page.time(kill.time_ns),
                          page.escape(*kill.limit_path), how),
              Tone::warn);
  }
  if (kill.victims.size() > 1) {
    page.fact("", fmt::format("{}: {} killed together (memory.oom.group)", page.time(kill.time_ns),
                              counted(kill.victims.size(), "process", "processes")));
  }
}

void explain_kills(Page& page, const Subject& subject) {
  const Memcg& memcg = subject.memcg;
  const auto& kills = memcg.oom_kills;
  const std::size_t first = kills.size() > kMaxKills ? kills.size() - kMaxKills : 0;
  for (std::size_t i = first; i < kills.size(); ++i) explain_kill(page, memcg, kills[i]);
  std::size_t victims = 0;
  for (const OomKill& kill : kills) victims += std::max<std::size_t>(1, kill.victims.size());
  if (!subject.has_children && memcg.kernel_oom_kills && *memcg.kernel_oom_kills != victims) {
    page.fact("",
              fmt::format("the kernel counted {} here, not {}", counted(*memcg.kernel_oom_kills, "OOM kill"),
                          victims),
              Tone::warn);
  }
}

std::string share(std::uint64_t part, std::uint64_t whole) {
  if (whole == 0) return "";
  return fmt::format("{:.1f} %", static_cast<double>(part) * 100 / static_cast<double>(whole));
}

}  // namespace

void write_kills(Page& page, const Subject& subject) {
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
  explain_kills(page, subject);
}

void write_spikes(Page& page, const Memcg& memcg, std::uint64_t min_prominence_bytes) {
  if (memcg.spikes.empty()) return;
  heading(page, counted(memcg.spikes_total, "spike"),
          fmt::format("at least {} high", cell_bytes(page, min_prominence_bytes)));
  const auto shown = most_telling(memcg.spikes);
  page.raw(spike_table(page, shown).render(page.style(), kIndent));
  if (memcg.spikes_total > shown.size()) {
    and_more(page, fmt::format("and {} more: shown are the {} that tell most, the histograms count all",
                               grouped(memcg.spikes_total - shown.size()), shown.size()));
  }
}

void write_allocations(Page& page, const Allocations& allocations) {
  if (allocations.by_process.empty()) return;
  heading(page, "who allocated", fmt::format("{} in all", counted(allocations.pages, "page")));
  Table table({{"process", Align::left, 0, 8},
               {"pid", Align::right},
               {"pages", Align::right},
               {"share", Align::right}});
  std::uint64_t rest = allocations.unattributed_pages;
  std::size_t row = 0;
  for (const ProcessPages& process : allocations.by_process) {
    if (row++ >= kMaxProcesses) {
      rest += process.pages;
      continue;
    }
    table.add_row({page.escape(process.comm), std::to_string(process.pid), grouped(process.pages),
                   share(process.pages, allocations.pages)});
  }
  if (rest > 0) table.add_row({{"others", Tone::faint}, "", grouped(rest), share(rest, allocations.pages)});
  page.raw(table.render(page.style(), kIndent));
}

}  // namespace memspike::report
