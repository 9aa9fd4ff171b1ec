#include "views/sentences/headline.h"

#include <fmt/core.h>

#include <algorithm>
#include <tuple>
#include <vector>

#include "views/sentences/at_limit_text.h"
#include "views/sentences/labels.h"
#include "views/sentences/verdict.h"

namespace memspike::views {
namespace {

constexpr double kCloseToLimit = 0.9;

using report::Burst;

// The one that all numbers of the headline are of: a killer before all others, then one that is no level,
// then the highest; of equal ones the last.
const Burst* told_of(const report::Memcg& memcg) {
  const auto rank = [](const Burst& burst) {
    return std::tuple(burst.outcome == spike::Outcome::oom_kill, !burst.is_level, burst.top.usage_bytes);
  };
  const auto most = std::max_element(memcg.bursts.rbegin(), memcg.bursts.rend(),
                                     [&](const Burst& a, const Burst& b) { return rank(a) < rank(b); });
  return most != memcg.bursts.rend() ? &*most : nullptr;
}

// " by its own limit", ", 3 by its own limit, 2 by the limit of the pod".
std::string causes(const report::Subject& subject, const report::Report& report, const Page& page) {
  constexpr std::size_t kMaxCauses = 2;  // the sentence has more to say
  const std::vector<Verdict> verdicts = verdicts_of(subject, 0, report, page);
  if (verdicts.size() > kMaxCauses) return " for several causes";
  if (verdicts.size() == 1) {
    const Verdict& only = verdicts.front();
    return (only.known() ? " " : ", ") + only.phrase();
  }
  std::string text;
  for (const Verdict& verdict : verdicts) {
    text += fmt::format(", {} {}", grouped(verdict.kills), verdict.phrase());
  }
  return text;
}

// "lost worker (pid 812) to the OOM killer by its own limit and lives on".
std::string what_was_lost(const report::Subject& subject, const std::string& causes, const Page& page) {
  const std::vector<report::OomKill>& kills = subject.memcg.oom_kills;
  std::uint64_t lost = subject.kills_unseen();
  for (std::size_t i = 0; i < kills.size(); ++i) lost += kills[i].victims_in(subject.kill_cgroups[i]);
  const std::string who =
      lost == 1 && !kills.front().comm.empty()
          ? fmt::format("{} (pid{}{})", page.escape(kills.front().comm), kGlue, kills.front().pid)
          : counted(lost, "process", "processes");
  const bool is_list = causes.starts_with(',');
  return fmt::format("lost {} to the OOM killer{}{} and lives on", who, causes, is_list ? "," : "");
}

// What a dead container left behind, where the limit that killed had to hold that as well.
std::string left_behind(const report::Subject& subject, const report::Report& report, const Page& page) {
  constexpr std::uint64_t kExplainingShare = 10;  // a tenth of the limit
  if (!subject.killed()) return {};
  const report::OomKill& kill = subject.memcg.oom_kills.back();
  const auto level = std::find_if(kill.chain.begin(), kill.chain.end(),
                                  [&](const auto& each) { return kill.limit_path == each.path; });
  const auto pod = std::find_if(report.pods.begin(), report.pods.end(),
                                [&](const auto& each) { return kill.limit_path == each.path; });
  if (pod == report.pods.end() || !pod->inherited || level == kill.chain.end() || !level->limit_bytes)
    return {};
  if (pod->inherited->shmem_bytes < *level->limit_bytes / kExplainingShare) return {};
  return fmt::format(", with {} of it taken by tmpfs that was left behind by who is gone",
                     page.bytes(pod->inherited->shmem_bytes));
}

std::string what_happened(const report::Subject& subject, const report::Report& report, const Page& page) {
  const report::Memcg& memcg = subject.memcg;
  if (subject.kills_missed()) {
    return fmt::format("was OOM-killed {} by the kernel's count, unseen here",
                       times(*memcg.kernel_oom_kills));
  }
  if (!subject.killed()) {
    if (const auto stood = stood_phrase(subject, report, page)) return *stood;
    return memcg.bursts_total > 0 ? "spiked " + times(memcg.bursts_total) : "grew";
  }
  const std::string why = causes(subject, report, page) + left_behind(subject, report, page);
  if (subject.outlived_kills()) return what_was_lost(subject, why, page);
  const std::uint64_t unseen = subject.kills_unseen();
  const std::string count = times(memcg.all_kills() + unseen);
  const std::string seen =
      unseen > 0 ? fmt::format(" by the kernel's count, {} seen here", grouped(memcg.all_kills())) : "";
  return "was OOM-killed " + count + seen + (unseen > 0 ? "," : "") + why;
}

std::string peak_phrase(const report::Memcg& memcg, std::uint64_t peak_bytes, const Page& page) {
  const std::string peak = page.bytes(peak_bytes);
  if (!memcg.limit_bytes) return fmt::format("{} (no limit of its own)", peak);
  if (*memcg.limit_bytes == 0) return fmt::format("{} of a limit of 0", peak);
  return fmt::format("{} = {} of its {} limit", peak, percent_of(peak_bytes, *memcg.limit_bytes),
                     page.bytes(*memcg.limit_bytes));
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

std::string headline_of(const report::Subject& subject, const report::Report& report, const Page& page) {
  const report::Memcg& memcg = subject.memcg;
  const Burst* burst = told_of(memcg);
  const std::string peak =
      peak_phrase(memcg, burst != nullptr ? burst->top.usage_bytes : memcg.usage.peak_bytes, page);
  std::string text =
      fmt::format("{} {}", label_of(subject, report, page), what_happened(subject, report, page));
  const bool quiet = memcg.bursts_total == 0 && !subject.stood();
  if (quiet && !subject.killed() && !subject.kills_missed()) {
    text += fmt::format(" to {}", peak);
  } else {
    text += ": ";
    if (const auto level_bytes = memcg.usage.level_bytes()) {
      text += fmt::format("lives at {}, ", page.bytes(*level_bytes));
    }
    text += fmt::format("{} at {}", memcg.bursts_total <= 1 ? "peaked" : "peaks", peak);
  }
  if (burst != nullptr && burst->rise_ns() > 0) {
    text += fmt::format(", {}in {}", burst->is_level ? "" : "reached ", page.duration(burst->rise_ns()));
  }
  if (!subject.killed() && !subject.kills_missed()) {
    text += headroom_phrase(memcg, burst, page);
  }
  return text;
}

Tone tone_of(const report::Subject& subject) {
  if (subject.killed() || subject.kills_missed()) return Tone::alarm;
  const report::Memcg& memcg = subject.memcg;
  if (!memcg.at_limit.standstills.empty() || memcg.at_limit.was_held_at_high()) return Tone::warn;
  return !memcg.bursts.empty() && came_close(memcg, kCloseToLimit) ? Tone::warn : Tone::plain;
}

}  // namespace memspike::views
