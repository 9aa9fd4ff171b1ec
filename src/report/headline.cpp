#include "report/headline.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "report/labels.h"
#include "report/spike_rows.h"
#include "report/verdict.h"

namespace memspike::report {
namespace {

constexpr double kCloseToLimit = 0.9;

// How fast it rises to a peak from the level it lives at: the median over the
// spikes that start there. Spikes that start from nothing (the first one of a
// container that gets killed) rise over its whole start-up, which is not the burst.
std::optional<std::uint64_t> rise_from_typical(const Memcg& memcg) {
  std::vector<std::uint64_t> rises;
  for (const spike::Spike& spike : memcg.spikes) {
    if (!spans_life(spike, memcg.usage)) rises.push_back(spike.rise_ns);
  }
  if (rises.empty()) return std::nullopt;
  const auto middle = rises.begin() + static_cast<std::ptrdiff_t>(rises.size() / 2);
  std::nth_element(rises.begin(), middle, rises.end());
  return *middle;
}

// " by its own limit", ", 3 by its own limit, 2 by the limit of the pod".
std::string causes(const Subject& subject, const Report& report, const Page& page) {
  constexpr std::size_t kMaxCauses = 2;  // the sentence has more to say
  const std::vector<Verdict> verdicts = verdicts_of(subject, 0, report, page);
  if (verdicts.size() > kMaxCauses) return " for several causes";
  const auto phrase = [](const Verdict& verdict) {
    return (verdict.known() || verdict.own ? "" : "probably ") + verdict.cause;
  };
  if (verdicts.size() == 1) {
    const Verdict& only = verdicts.front();
    return (only.known() || only.own ? " " : ", ") + phrase(only);
  }
  std::string text;
  for (const Verdict& verdict : verdicts) {
    text += fmt::format(", {} {}", grouped(verdict.kills), phrase(verdict));
  }
  return text;
}

std::string what_happened(const Subject& subject, const Report& report, const Page& page) {
  const Memcg& memcg = subject.memcg;
  if (subject.kills_missed()) {
    return fmt::format("was OOM-killed {} by the kernel's count, unseen here",
                       times(*memcg.kernel_oom_kills));
  }
  if (!subject.killed()) return "spiked " + times(memcg.spikes_total);
  return "was OOM-killed " + times(memcg.oom_kills.size()) + causes(subject, report, page);
}

std::string peak_phrase(const Memcg& memcg, const Page& page) {
  const std::string peak = page.bytes(memcg.usage.peak_bytes);
  const bool once = memcg.spikes_total <= 1;
  const char* const verb = once ? "peaked" : "peaks";
  if (!memcg.limit_bytes) return fmt::format("{} at {} (no limit of its own)", verb, peak);
  if (*memcg.limit_bytes == 0) return fmt::format("{} at {} of a limit of 0", verb, peak);
  return fmt::format("{} at {} = {} of its {} limit", verb, peak,
                     percent_of(memcg.usage.peak_bytes, *memcg.limit_bytes), page.bytes(*memcg.limit_bytes));
}

}  // namespace

std::string percent_of(std::uint64_t bytes, std::uint64_t limit_bytes) {
  const double percent = static_cast<double>(bytes) * 100 / static_cast<double>(limit_bytes);
  // Truncated: "100 %" says that the limit was reached, to the byte.
  if (percent > 99 && percent < 100) {
    return fmt::format("{:.1f}{}%", std::min(99.9, static_cast<double>(static_cast<int>(percent * 10)) / 10),
                       kGlue);
  }
  return fmt::format("{}{}%", static_cast<std::uint64_t>(percent), kGlue);
}

std::string headline_of(const Subject& subject, const Report& report, const Page& page) {
  const Memcg& memcg = subject.memcg;
  std::string text =
      fmt::format("{} {}: ", label_of(subject, report, page), what_happened(subject, report, page));
  if (memcg.usage.typical_bytes) text += fmt::format("lives at {}, ", page.bytes(*memcg.usage.typical_bytes));
  text += peak_phrase(memcg, page);
  if (const auto rise_ns = rise_from_typical(memcg)) {
    text += fmt::format(", reached in {}", page.duration(*rise_ns));
  }
  if (!subject.killed() && !subject.kills_missed() && memcg.histograms.headroom_bytes.count() > 0) {
    text += fmt::format(", {} short of being killed", page.bytes(memcg.histograms.headroom_bytes.min()));
  }
  return text;
}

Tone tone_of(const Subject& subject) {
  if (subject.killed() || subject.kills_missed()) return Tone::alarm;
  const Memcg& memcg = subject.memcg;
  if (memcg.spikes.empty() || !memcg.limit_bytes) return Tone::plain;
  const double limit = static_cast<double>(*memcg.limit_bytes);
  return static_cast<double>(memcg.usage.peak_bytes) >= kCloseToLimit * limit ? Tone::warn : Tone::plain;
}

}  // namespace memspike::report
