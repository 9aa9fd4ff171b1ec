#include "report/footer.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <vector>

#include "report/labels.h"

namespace memspike::report {
namespace {

constexpr std::string_view kWords =
    "height: prominence, how far a peak stands out; rise: from 10 % to 90 % of the height; width: at half of "
    "it; "
    "headroom: smallest distance to a limit on the way to the root.";

// What the kernel skipped because an interrupt ran a program inside itself.
constexpr std::string_view kRecursion = "program_recursion";

// "ring_buffer_full" reads "ring buffer full".
std::string words(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

std::string hooks_of(const Session& session, const Page& page) {
  std::string text;
  for (const Hook& hook : session.hooks) {
    text += fmt::format("{}{}{}({})", text.empty() ? "" : ", ", page.escape(hook.event), kGlue,
                        page.escape(hook.attach));
  }
  return text.empty() ? "none" : text;
}

std::string counters_of(const std::vector<Counter>& counters, const Page& page, bool zeroes) {
  std::string text;
  for (const auto& [name, value] : counters) {
    if (value == 0 && !zeroes) continue;
    std::string words_glued = page.escape(words(name));
    std::replace(words_glued.begin(), words_glued.end(), ' ', kGlue);
    text += fmt::format("{}{}{}{}", text.empty() ? "" : page.separator(), words_glued, kGlue, grouped(value));
  }
  return text.empty() ? "none" : text;
}

void write_tier(Page& page, const Session& session) {
  if (session.tier_reason.empty()) return;
  const bool asked = session.tier == "tracepoint" && session.tier_reason.rfind("asked", 0) == 0;
  page.fact("tier", asked ? "tracepoint tier, asked for by --tier"
                          : fmt::format("charge tier not possible: {}", page.escape(session.tier_reason)));
}

void write_lost(Page& page, const Report& report) {
  std::vector<Counter> lost;
  std::uint64_t skipped = 0;
  for (const Counter& counter : report.lost) {
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
  if (records_lost(report) == 0 && skips.empty()) return page.fact("lost", "nothing", Tone::good);
  if (records_lost(report) == 0) return page.fact("lost", "nothing" + page.separator() + skips);
  page.fact("LOST",
            fmt::format("{}. New highs are exact nevertheless (the kernel's watermark tells them); "
                        "lower spikes and other counts may be short.",
                        counters_of(lost, page, false)),
            Tone::alarm);
  if (!skips.empty()) page.fact("", skips);
}

}  // namespace

std::uint64_t records_lost(const Report& report) {
  std::uint64_t total = 0;
  for (const auto& [cause, count] : report.lost) {
    if (cause != kRecursion) total += count;
  }
  return total;
}

void write_footer(Page& page, const Report& report) {
  const Session& session = report.session;
  page.rule("how it was recorded", Tone::strong);
  page.fact("kernel", fmt::format("{}, cgroup {}, {} tier", page.escape(session.kernel_release),
                                  page.escape(session.cgroup_mode), page.escape(session.tier)));
  write_tier(page, session);
  page.fact("hooks", hooks_of(session, page));
  page.fact("sweep",
            fmt::format("every {}; longest time without a look at an active counter: {}",
                        page.duration(session.sweep_period_ns), page.duration(session.max_sample_gap_ns)));
  page.fact("events", counters_of(report.events, page, true));
  write_lost(page, report);
  if (session.self) write_self(page, *session.self);
  const bool spiked = std::any_of(report.memcgs.begin(), report.memcgs.end(),
                                  [](const Memcg& memcg) { return !memcg.spikes.empty(); });
  if (spiked) page.fact("words", kWords, Tone::faint);
  for (const std::string& note : report.notes) {
    page.fact("note", page.escape(with_short_paths(note, page.glyph().ellipsis)));
  }
}

}  // namespace memspike::report
