#include "report/section.h"

#include <fmt/core.h>
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "report/blind_spot.h"
#include "report/footer.h"
#include "report/headline.h"
#include "report/histograms.h"
#include "report/labels.h"
#include "report/limit_advice.h"
#include "report/names.h"
#include "report/near_text.h"
#include "report/pictures.h"
#include "report/tables.h"

namespace memspike::report {
namespace {

// Less than a hundredth of the peak is as good as nothing.
bool tells(std::uint64_t bytes, const Usage& usage) { return bytes >= usage.peak_bytes / 100 && bytes > 0; }

void write_usage(Page& page, const Subject& subject) {
  const Usage& usage = subject.memcg.usage;
  std::string text;
  if (usage.typical_bytes) {
    text += fmt::format("lives at {}{}", page.bytes(*usage.typical_bytes), page.separator());
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
  page.fact("usage", text);
}

void write_limit(Page& page, const Memcg& memcg) {
  if (!memcg.limit_bytes) return page.fact("limit", "none of its own");
  std::string text = page.bytes(*memcg.limit_bytes);
  if (*memcg.limit_bytes > 0) {
    text += fmt::format("{}the peak is {} of it", page.separator(),
                        percent_of(memcg.usage.peak_bytes, *memcg.limit_bytes));
  }
  page.fact("limit", text);
}

// Why the kernel's maximum and ours may differ, in words.
std::string explain(const PeakPair& pair, const Report& report, const Page& page) {
  if (pair.kernel_bytes > pair.ours_bytes) {
    return fmt::format("{} more than recorded: reached {}", page.bytes(pair.kernel_bytes - pair.ours_bytes),
                       records_lost(report) > 0 ? "before the recording, or in what was lost"
                                                : "before the recording began");
  }
  return fmt::format("{} less than recorded: it was reset meanwhile",
                     page.bytes(pair.ours_bytes - pair.kernel_bytes));
}

void write_kernel_peak(Page& page, const Subject& subject, const Report& report) {
  if (subject.peaks.empty()) {
    return page.fact("kernel", "its own peak could not be read: nothing to compare with", Tone::warn);
  }
  const std::string source = page.escape(subject.memcg.kernel_peak_source);
  const auto different = std::find_if(subject.peaks.begin(), subject.peaks.end(), [](const PeakPair& pair) {
    return pair.ours_bytes != pair.kernel_bytes;
  });
  if (different != subject.peaks.end()) {
    return page.fact("kernel",
                     fmt::format("{} says {}, {}", source, page.bytes(different->kernel_bytes),
                                 explain(*different, report, page)),
                     Tone::warn);
  }
  std::uint64_t highest = 0;
  for (const PeakPair& pair : subject.peaks) highest = std::max(highest, pair.kernel_bytes);
  std::string each;
  if (subject.lives > 1) {
    each = subject.peaks.size() == subject.lives
               ? fmt::format(", in each of its {} lives", subject.lives)
               : fmt::format(", in {} of its {} lives (the others could not be read)", subject.peaks.size(),
                             subject.lives);
  }
  page.fact("kernel", fmt::format("{} says {}: equal to the byte{}", source, page.bytes(highest), each),
            Tone::good);
}

// How often it nearly happened, and what that cost.
void write_near_misses(Page& page, const Memcg& memcg) {
  const NearMisses& near = memcg.near_misses;
  const LimitHits hits{near.refused_charges.value_or(0), near.throttled_charges.value_or(0)};
  const std::string text = near_text(page, hits, near.stalls, memcg.oom_kills.empty());
  if (!text.empty()) page.fact("near", text, Tone::warn);
}

// What a fresh container's floor is made of, where it is not its own doing.
void write_inherited(Page& page, const Memcg& memcg) {
  if (!memcg.inherited) return;
  page.fact("left",
            fmt::format("{} of tmpfs or shared memory were charged here already that nobody in it owns: left "
                        "behind by who is gone",
                        page.bytes(memcg.inherited->shmem_bytes)),
            Tone::warn);
}

void write_place(Page& page, const Subject& subject) {
  const Memcg& memcg = subject.memcg;
  std::string text = page.escape(memcg.path);
  if (memcg.gone) text += " (gone)";
  page.fact("cgroup", text, Tone::faint);
  if (subject.lives > 1) {
    page.fact("", fmt::format("the last of {} cgroups: the container was restarted", subject.lives),
              Tone::faint);
  }
}

}  // namespace

void write_facts(Page& page, const Subject& subject, const Report& report) {
  write_usage(page, subject);
  write_limit(page, subject.memcg);
  write_near_misses(page, subject.memcg);
  write_inherited(page, subject.memcg);
  write_kernel_peak(page, subject, report);
  write_place(page, subject);
}

void write_section(Page& page, const Subject& subject, const Report& report) {
  page.rule(label_of(subject, report, page), subject.killed() ? Tone::alarm : Tone::strong);
  write_facts(page, subject, report);
  write_timeline(page, subject);
  write_kills(page, subject, report);
  write_advice(page, subject, report);
  write_blind_spot(page, subject);
  write_spikes(page, subject.memcg, report);
  write_culprits(page, subject.memcg, report);
  write_histograms(page, subject.memcg.histograms);
  write_allocations(page, subject.memcg.allocations);
  page.line();
}

}  // namespace memspike::report
