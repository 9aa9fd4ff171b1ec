#include "views/sentences/footer.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <vector>

#include "views/sentences/labels.h"
#include "views/sentences/self.h"

namespace memspike::views {
namespace {

constexpr std::string_view kWords =
    "burst: usage leaves a floor, rises, and comes back by half; height: of the peak above that floor; rise: "
    "from where it leaves to where it arrives; width: the time above half of the height; headroom: smallest "
    "distance to a limit, max or memory.high, on the way to the root.";

// What the kernel skipped because an interrupt ran a program inside itself.
constexpr std::string_view kRecursion = "program_recursion";

// "ring_buffer_full" reads "ring buffer full".
std::string words(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

std::string hooks_of(const facts::Session& session, const Page& page) {
  std::string text;
  for (const facts::Hook& hook : session.hooks) {
    text += fmt::format("{}{}{}({})", text.empty() ? "" : ", ", page.escape(hook.event), kGlue,
                        page.escape(hook.attach));
  }
  return text.empty() ? "none" : text;
}

std::string counters_of(const std::vector<facts::Counter>& counters, const Page& page, bool zeroes) {
  std::string text;
  for (const auto& [name, value] : counters) {
    if (value == 0 && !zeroes) continue;
    std::string words_glued = page.escape(words(name));
    std::replace(words_glued.begin(), words_glued.end(), ' ', kGlue);
    text += fmt::format("{}{}{}{}", text.empty() ? "" : page.separator(), words_glued, kGlue, grouped(value));
  }
  return text.empty() ? "none" : text;
}

Facts tier_facts(const facts::Session& session, const Page& page) {
  if (session.tier_reason.empty()) return {};
  const bool asked = session.tier == "tracepoint" && session.tier_reason.rfind("asked", 0) == 0;
  return {{"tier", asked ? "tracepoint tier, asked for by --tier"
                         : fmt::format("charge tier not possible: {}", page.escape(session.tier_reason))}};
}

// Pages are watched by default: only less is worth a word.
Facts detail_facts(const facts::Session& session, const Page& page) {
  if (session.details.size() < 2 && session.detail == "pages") return {};
  std::string text;
  for (const facts::DetailSpan& span : session.details) {
    if (!text.empty()) text += fmt::format(", from {} on ", page.time(span.from_ns));
    text += page.escape(span.detail);
  }
  Facts facts = {{"detail", text.empty() ? page.escape(session.detail) : text}};
  for (const std::string& line : session.not_seen) facts.push_back({"not seen", page.escape(line)});
  return facts;
}

// A container that moves its counter too often for a service that watches all of a node.
Facts thinned_facts(const report::Report& report, const Page& page) {
  constexpr std::size_t kMost = 3;
  std::vector<const report::Memcg*> loud;
  for (const report::Memcg& memcg : report.memcgs) {
    if (memcg.thinned_moves > 0) loud.push_back(&memcg);
  }
  if (loud.empty()) return {};
  std::stable_sort(loud.begin(), loud.end(),
                   [](const auto* a, const auto* b) { return a->thinned_moves > b->thinned_moves; });
  std::string text;
  for (std::size_t i = 0; i < std::min(loud.size(), kMost); ++i) {
    text += fmt::format("{}{} of {}", i == 0 ? "" : ", ", counted(loud[i]->thinned_moves, "move"),
                        memcg_name(loud[i]->path, report, page));
  }
  if (loud.size() > kMost) text += fmt::format(" and of {}", counted(loud.size() - kMost, "other"));
  return {{"thinned",
           text + ": too many to be told one by one. New highs are exact nevertheless, and where usage stood "
                  "is known each millisecond; lower spikes that were shorter may be missing.",
           Tone::warn}};
}

}  // namespace

std::uint64_t records_lost(const report::Report& report) {
  std::uint64_t total = 0;
  for (const auto& [cause, count] : report.lost) {
    if (cause != kRecursion) total += count;
  }
  return total;
}

namespace {

// Of records, by cause.
Facts record_facts(const report::Report& report, const Page& page) {
  std::vector<facts::Counter> lost;
  std::uint64_t skipped = 0;
  for (const facts::Counter& counter : report.lost) {
    if (counter.first == kRecursion) {
      skipped += counter.second;
    } else {
      lost.push_back(counter);
    }
  }
  const std::string skips = skipped == 0
                                ? ""
                                : fmt::format("{} anywhere on the node skipped by the kernel (recursion)",
                                              counted(skipped, "firing"));
  if (records_lost(report) == 0 && skips.empty()) return {{"lost", "nothing", Tone::good}};
  if (records_lost(report) == 0) return {{"lost", "nothing" + page.separator() + skips}};
  Facts facts = {{"LOST",
                  fmt::format("{}. New highs are exact nevertheless (the kernel's watermark tells them); "
                              "lower spikes and other counts may be short.",
                              counters_of(lost, page, false)),
                  Tone::alarm}};
  if (!skips.empty()) facts.push_back({"", skips});
  return facts;
}

}  // namespace

Facts lost_facts(const report::Report& report, const Page& page) {
  Facts facts = record_facts(report, page);
  append(facts, thinned_facts(report, page));
  return facts;
}

Facts footer_facts(const report::Report& report, const Page& page) {
  const facts::Session& session = report.session;
  Facts facts = {{"kernel", fmt::format("{}, cgroup {}, {} tier", page.escape(session.kernel_release),
                                        page.escape(session.cgroup_mode), page.escape(session.tier))}};
  append(facts, tier_facts(session, page));
  append(facts, detail_facts(session, page));
  facts.push_back({"hooks", hooks_of(session, page)});
  facts.push_back({"sweep", fmt::format("every {}; longest time without a look at an active counter: {}",
                                        page.duration(session.sweep_period_ns),
                                        page.duration(session.max_sample_gap_ns))});
  facts.push_back({"events", counters_of(report.events, page, true)});
  append(facts, lost_facts(report, page));
  if (session.self) append(facts, self_facts(*session.self, page));
  const bool spiked = std::any_of(report.memcgs.begin(), report.memcgs.end(),
                                  [](const report::Memcg& memcg) { return !memcg.bursts.empty(); });
  if (spiked) facts.push_back({"words", std::string(kWords), Tone::faint});
  for (std::size_t i = report.notes_of_reading; i < report.notes.size(); ++i) {  // those stand at the top
    facts.push_back({"note", with_names(report.notes[i], report, page)});
  }
  return facts;
}

}  // namespace memspike::views
