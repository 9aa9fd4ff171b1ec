#include "report/footer.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>

namespace memspike::report {
namespace {

constexpr std::string_view kWords =
    "height: prominence, how far a peak stands out; rise: from 10 % to 90 % of the height; width: at half of "
    "it; "
    "headroom: smallest distance to a limit on the way to the root.";

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

}  // namespace

void write_footer(Page& page, const Report& report) {
  const Session& session = report.session;
  page.rule("how it was recorded", Tone::strong);
  page.fact("kernel", fmt::format("{}, cgroup {}, {} tier", page.escape(session.kernel_release),
                                  page.escape(session.cgroup_mode), page.escape(session.tier)));
  if (!session.tier_reason.empty()) {
    page.fact("tier", fmt::format("charge not possible: {}", page.escape(session.tier_reason)));
  }
  page.fact("hooks", hooks_of(session, page));
  page.fact("sweep",
            fmt::format("every {}; longest time without a look at an active counter: {}",
                        page.duration(session.sweep_period_ns), page.duration(session.max_sample_gap_ns)));
  page.fact("events", counters_of(report.events, page, true));
  if (report.lost_total() == 0) {
    page.fact("lost", "nothing", Tone::good);
  } else {
    page.fact("LOST",
              fmt::format("{}. New highs are exact nevertheless (the kernel's watermark tells them); "
                          "lower spikes and other counts may be short.",
                          counters_of(report.lost, page, false)),
              Tone::warn);
  }
  const bool spiked = std::any_of(report.memcgs.begin(), report.memcgs.end(),
                                  [](const Memcg& memcg) { return !memcg.spikes.empty(); });
  if (spiked) page.fact("words", kWords, Tone::faint);
  for (const std::string& note : report.notes) page.fact("note", page.escape(note));
}

}  // namespace memspike::report
