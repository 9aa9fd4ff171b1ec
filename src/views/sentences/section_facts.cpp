#include "views/sentences/section_facts.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>

#include "facts/names.h"
#include "views/sentences/at_limit_text.h"
#include "views/sentences/footer.h"
#include "views/sentences/headline.h"
#include "views/sentences/labels.h"
#include "views/sentences/near_miss_text.h"

namespace memspike::views {
namespace {

// Less than a hundredth of the peak is as good as nothing.
bool tells(std::uint64_t bytes, const report::Usage& usage) {
  return bytes >= usage.peak_bytes / 100 && bytes > 0;
}

Labelled usage_fact(const report::Subject& subject, const Page& page) {
  const report::Usage& usage = subject.memcg.usage;
  std::string text;
  if (const auto level_bytes = usage.level_bytes()) {
    text += fmt::format("lives at {}{}", page.bytes(*level_bytes), page.separator());
  }
  text += fmt::format("peak {} at {}", page.bytes(usage.peak_bytes), page.time(usage.peak_ns));
  const auto add = [&](std::string_view name, std::uint64_t value) {
    text += fmt::format("{}{}{}{}", page.separator(), name, kGlue, page.bytes(value));
  };
  // What is gone ended with next to nothing, and what was born under trace began so: no news.
  if (!subject.memcg.gone) {
    if (tells(usage.first_bytes, usage)) add("first", usage.first_bytes);
    if (tells(usage.min_bytes, usage)) add("min", usage.min_bytes);
    add("last", usage.last_bytes);
  }
  return {"usage", text};
}

Labelled limit_fact(const report::Memcg& memcg, const Page& page) {
  if (!memcg.limit_bytes) return {"limit", "none of its own"};
  std::string text = page.bytes(*memcg.limit_bytes);
  if (*memcg.limit_bytes > 0) {
    text += fmt::format("{}the peak is {} of it", page.separator(),
                        percent_of(memcg.usage.peak_bytes, *memcg.limit_bytes));
  }
  return {"limit", text};
}

// Why the kernel's maximum and ours may differ, in words.
std::string explain(const report::PeakPair& pair, const report::Report& report, const Page& page) {
  if (pair.kernel_bytes > pair.ours_bytes) {
    return fmt::format("{} more than recorded: reached {}", page.bytes(pair.kernel_bytes - pair.ours_bytes),
                       records_lost(report) > 0 ? "before the recording, or in what was lost"
                                                : "before the recording began");
  }
  return fmt::format("{} less than recorded: it was reset meanwhile",
                     page.bytes(pair.ours_bytes - pair.kernel_bytes));
}

Labelled kernel_peak_fact(const report::Subject& subject, const report::Report& report, const Page& page) {
  if (subject.peaks.empty()) {
    return {"kernel", "its own peak could not be read: nothing to compare with", Tone::warn};
  }
  const std::string source = page.escape(subject.memcg.kernel_peak_source);
  const auto different =
      std::find_if(subject.peaks.begin(), subject.peaks.end(),
                   [](const report::PeakPair& pair) { return pair.ours_bytes != pair.kernel_bytes; });
  if (different != subject.peaks.end()) {
    return {"kernel",
            fmt::format("{} says {}, {}", source, page.bytes(different->kernel_bytes),
                        explain(*different, report, page)),
            Tone::warn};
  }
  std::uint64_t highest = 0;
  for (const report::PeakPair& pair : subject.peaks) highest = std::max(highest, pair.kernel_bytes);
  std::string each;
  if (subject.lives > 1) {
    each = subject.peaks.size() == subject.lives
               ? fmt::format(", in each of its {} lives", subject.lives)
               : fmt::format(", in {} of its {} lives (the others could not be read)", subject.peaks.size(),
                             subject.lives);
  }
  return {"kernel", fmt::format("{} says {}: equal to the byte{}", source, page.bytes(highest), each),
          Tone::good};
}

Facts place_facts(const report::Subject& subject, const Page& page) {
  const report::Memcg& memcg = subject.memcg;
  std::string text = page.escape(memcg.path);
  if (memcg.gone) text += " (gone)";
  Facts facts = {{"cgroup", text, Tone::faint}};
  if (subject.lives > 1) {
    facts.push_back(
        {"", fmt::format("the last of {} cgroups: the container was restarted", subject.lives), Tone::faint});
  }
  return facts;
}

}  // namespace

Facts near_miss_facts(const report::Memcg& memcg, const Page& page) {
  const report::NearMisses& near = memcg.near_misses;
  const near_miss::LimitHits hits{near.refused_charges.value_or(0), near.throttled_charges.value_or(0)};
  const std::string text = near_miss_text(page, hits, near.stalls, memcg.all_kills() == 0);
  if (text.empty()) return {};
  return {{"near", text, Tone::warn}};
}

Facts at_limit_facts(const report::Memcg& memcg, const report::Report& report, const Page& page) {
  constexpr std::size_t kMaxStandstills = 5;
  Facts facts;
  if (const std::string held = held_text(memcg, page); !held.empty()) {
    facts.push_back({"held", held, memcg.at_limit.was_held_at_high() ? Tone::warn : Tone::plain});
  }
  const auto& standstills = memcg.at_limit.standstills;
  for (std::size_t i = 0; i < std::min(kMaxStandstills, standstills.size()); ++i) {
    facts.push_back({i == 0 ? "stood" : "", standstill_text(standstills[i], report, page), Tone::warn});
  }
  const std::uint64_t more =
      standstills.size() - std::min(kMaxStandstills, standstills.size()) + memcg.at_limit.standstills_dropped;
  if (more > 0)
    facts.push_back({"", fmt::format("{} and {} more", page.glyph().ellipsis, more), Tone::faint});
  if (const std::string cache = cache_text(memcg, page); !cache.empty()) facts.push_back({"cache", cache});
  return facts;
}

Facts inherited_facts(const report::Memcg& memcg, const Page& page, bool briefly) {
  if (!memcg.inherited) return {};
  const std::string left = page.bytes(memcg.inherited->shmem_bytes);
  if (briefly) {
    return {
        {"left", fmt::format("{} of tmpfs or shared memory, left behind by who is gone", left), Tone::warn}};
  }
  return {{"left",
           fmt::format("{} of tmpfs or shared memory were charged here already that nobody in it owns: left "
                       "behind by who is gone",
                       left),
           Tone::warn}};
}

Facts section_facts(const report::Subject& subject, const report::Report& report, const Page& page) {
  Facts facts = {usage_fact(subject, page), limit_fact(subject.memcg, page)};
  append(facts, near_miss_facts(subject.memcg, page));
  append(facts, at_limit_facts(subject.memcg, report, page));
  append(facts, inherited_facts(subject.memcg, page));
  facts.push_back(kernel_peak_fact(subject, report, page));
  append(facts, place_facts(subject, page));
  return facts;
}

}  // namespace memspike::views
