#include "views/text/short.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <tuple>

#include "views/kit/cells.h"
#include "views/kit/table.h"
#include "views/sentences/composition_text.h"
#include "views/sentences/footer.h"
#include "views/sentences/kill_facts.h"
#include "views/sentences/labels.h"
#include "views/sentences/limit_advice.h"
#include "views/sentences/section_facts.h"
#include "views/sentences/verdict.h"
#include "views/text/histograms.h"
#include "views/text/pictures.h"
#include "views/text/tables.h"

namespace memspike::views {
namespace {

constexpr std::size_t kMaxShownKills = 5;
constexpr std::size_t kMaxBursts = 4;

// "+11.4 MiB in 8.39 ms": the rise that the kill ended.
std::string rise_cell(const Page& page, const report::OomKill& kill) {
  if (!kill.last_second || !kill.last_second->baseline || !kill.last_second->crest) {
    return std::string(page.glyph().none);
  }
  const timeline::UsageAt& from = *kill.last_second->baseline;
  const timeline::UsageAt& to = *kill.last_second->crest;
  return fmt::format("+{} in {}",
                     cell_bytes(page, to.usage_bytes - std::min(from.usage_bytes, to.usage_bytes)),
                     cell_duration(page, to.time_ns - from.time_ns));
}

std::string trigger_cell(const Page& page, const report::OomKill& kill) {
  if (!kill.trigger) return std::string(page.glyph().none);
  if (!kill.limit_path && kill.node_kill == facts::NodeKill::by_hand) return "SysRq-f";
  const bool died = std::any_of(kill.victims.begin(), kill.victims.end(),
                                [&](const auto& victim) { return victim.pid == kill.trigger->pid; });
  return died ? "itself" : fmt::format("{} ({})", page.escape(kill.trigger->comm), kill.trigger->pid);
}

std::string cause_cell(const Page& page, const report::OomKill& kill, const std::string& cgroup_path,
                       const report::Report& report) {
  std::string cause = verdict_on(kill, cgroup_path, report, page).cell();
  std::replace(cause.begin(), cause.end(), kGlue, ' ');
  return cause;
}

// Whether the kernel's log says of each kill what was seen; nothing where it could not be read.
void compare_with_log(Page& page, const std::vector<report::OomKill>& kills) {
  const auto logged = static_cast<std::size_t>(std::count_if(
      kills.begin(), kills.end(), [](const report::OomKill& kill) { return !kill.log_lines.empty(); }));
  const auto disagree = static_cast<std::size_t>(std::count_if(
      kills.begin(), kills.end(), [](const report::OomKill& kill) { return kill.log_disagrees; }));
  if (disagree > 0) {
    page.fact("log",
              fmt::format("the kernel's log contradicts what was seen of {} of them", grouped(disagree)),
              Tone::warn);
  } else if (logged == kills.size()) {
    page.fact("log", fmt::format("the kernel's log agrees with {}",
                                 kills.size() == 1 ? "it" : fmt::format("all {}", grouped(kills.size()))));
  } else if (logged > 0) {
    page.fact("log",
              fmt::format("the kernel's log tells of {} of the {}", grouped(logged), grouped(kills.size())));
  }
}

void write_short_kills(Page& page, const report::Subject& subject, const report::Report& report) {
  const auto& kills = subject.memcg.oom_kills;
  if (kills.empty() || subject.kills_listed_below) return;
  const std::size_t first = kills.size() > kMaxShownKills ? kills.size() - kMaxShownKills : 0;
  heading(page, counted(kills.size(), "OOM kill"), first > 0 ? "the last five" : "");
  Table table({{"time (UTC)"},
               {"process (pid)", Align::left, 0, 8},
               {"killed", Align::left, 0, 12},
               {"the rise before it", Align::right, 2},
               {"asked by", Align::left, 1, 6}});
  for (std::size_t i = first; i < kills.size(); ++i) {
    table.add_row({cell_time(page, kills[i].time_ns),
                   {fmt::format("{} ({})", page.escape(kills[i].comm), kills[i].pid), Tone::strong},
                   cause_cell(page, kills[i], subject.kill_cgroups[i], report),
                   rise_cell(page, kills[i]),
                   trigger_cell(page, kills[i])});
  }
  page.raw(table.render(page.style(), kIndent));
  page.facts(count_facts(subject, first, report, page));
  page.facts(death_facts(subject, report, page));
  compare_with_log(page, kills);
}

// The burst to explain: one that killed before all others, then the highest.
const report::Burst* most_telling(const report::Memcg& memcg) {
  const auto rank = [](const report::Burst& burst) {
    return std::tuple(!burst.culprits.empty(), burst.outcome == spike::Outcome::oom_kill, !burst.is_level,
                      burst.height_bytes());
  };
  const auto most =
      std::max_element(memcg.bursts.begin(), memcg.bursts.end(),
                       [&](const report::Burst& a, const report::Burst& b) { return rank(a) < rank(b); });
  return most == memcg.bursts.end() ? nullptr : &*most;
}

// Who and what, a line each.
void explain_burst(Page& page, const report::Memcg& memcg, const report::Report& report) {
  const report::Burst* burst = most_telling(memcg);
  if (burst == nullptr) return;
  if (!burst->culprits.empty()) {
    page.fact("who", fmt::format("{} of what rose in the burst at {}", main_culprit(*burst, report, page),
                                 page.time(burst->top.time_ns)));
  }
  const std::string grown = composition_text(*burst, page);
  if (!grown.empty()) page.fact("what", grown);
  const std::string shifted = shifted_text(*burst, page);
  if (!shifted.empty()) page.fact("", shifted);
}

// "peak equal to the kernel's, to the byte, in each of 3 lives"
std::string peaks_text(const std::vector<report::Subject>& subjects) {
  std::size_t compared = 0;
  std::size_t equal = 0;
  for (const report::Subject& subject : subjects) {
    for (const report::PeakPair& pair : subject.peaks) {
      ++compared;
      equal += pair.ours_bytes == pair.kernel_bytes ? 1 : 0;
    }
  }
  if (compared == 0) return "no peak of the kernel's to compare with";
  if (equal == compared) {
    return compared == 1
               ? "the peak is equal to the kernel's, to the byte"
               : fmt::format("each of {} peaks is equal to the kernel's, to the byte", grouped(compared));
  }
  return fmt::format("{} of {} peaks differ from the kernel's: --section usage says why",
                     grouped(compared - equal), grouped(compared));
}

}  // namespace

void write_short_section(Page& page, const report::Subject& subject, const report::Report& report) {
  page.rule(label_of(subject, report, page), subject.killed() ? Tone::alarm : Tone::strong);
  const std::string advice = advice_sentence(subject, page);
  if (!advice.empty()) page.fact("advice", advice, Tone::strong);
  page.facts(near_miss_facts(subject.memcg, page));
  page.facts(at_limit_facts(subject.memcg, report, page));
  page.facts(inherited_facts(subject.memcg, page, true));
  explain_burst(page, subject.memcg, report);
  write_timeline(page, subject);
  write_short_kills(page, subject, report);
  write_few_bursts(page, subject.memcg, report, kMaxBursts);
  write_few_histograms(page, subject.memcg);
  page.line();
}

void write_sure(Page& page, const report::Report& report, const std::vector<report::Subject>& subjects) {
  const facts::Session& session = report.session;
  page.rule("how sure", Tone::strong);
  page.fact("peaks", fmt::format("{}{}no look missed for more than {}", peaks_text(subjects),
                                 page.separator(), page.duration(session.max_sample_gap_ns)));
  page.facts(lost_facts(report, page));
  if (session.self) {
    page.fact("cost", fmt::format("{} of a core, {} of memory, {} tier",
                                  percent_share(session.self->cpu_ns, session.self->duration_ns),
                                  page.bytes(session.self->peak_rss_bytes), page.escape(session.tier)));
  }
  if (!report.notes.empty()) {
    page.fact("notes", fmt::format("{}: --section recording", counted(report.notes.size(), "note")));
  }
  page.fact("more",
            "--full; --section kills, advice, blind-spot, spikes, who, histograms, recording; -f html",
            Tone::faint);
}

}  // namespace memspike::views
