#include "views/sentences/summary.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/units.h"
#include "views/sentences/blind_spot.h"
#include "views/sentences/footer.h"
#include "views/sentences/headline.h"

namespace memspike::views {
namespace {

// Nothing happened: say what that means.
std::string calm_headline(const report::Report& report, const std::vector<report::Subject>& subjects,
                          const Page& page) {
  if (subjects.empty()) return "nothing to report: the target had no memory cgroup while memspike watched";
  std::uint64_t peak_bytes = 0;
  bool is_flat = false;
  for (const report::Subject& subject : subjects) {
    const report::Usage& usage = subject.memcg.usage;
    if (usage.peak_bytes < peak_bytes) continue;
    peak_bytes = usage.peak_bytes;
    is_flat = usage.min_bytes >= usage.peak_bytes - usage.peak_bytes / 20;
  }
  const bool silent = std::none_of(
      report.events.begin(), report.events.end(),
      [](const facts::Counter& counter) { return counter.first == "samples" && counter.second > 0; });
  const std::string threshold = page.bytes(report.session.min_prominence_bytes);
  if (silent && peak_bytes == 0) return "nothing to report: no memory was charged while memspike watched";
  if (silent) return fmt::format("nothing to report: usage stayed at {}", page.bytes(peak_bytes));
  return fmt::format("all quiet: no rise of {} or more, no OOM kill; usage {} {}", threshold,
                     is_flat ? "flat at" : "peaked at", page.bytes(peak_bytes));
}

}  // namespace

std::string target_name(const report::Report& report, const Page& page) {
  const facts::Target& target = report.target;
  if (!target.pod) return page.escape(target.description);
  const std::string name_space = target.namespace_name ? page.escape(*target.namespace_name) + "/" : "";
  const std::string qos = target.qos ? fmt::format(" ({})", page.escape(*target.qos)) : "";
  return fmt::format("pod {}{}{}", name_space, page.escape(*target.pod), qos);
}

std::string when_and_what(const report::Report& report, const Page& page) {
  const std::string utc = format_utc(report.session.start_realtime_ns);
  std::string text = fmt::format("from {} {} UTC, for {}", utc.substr(0, 10), utc.substr(11, 8),
                                 page.duration(report.session.duration_ns));
  if (report.target.pod_uid) {
    text += fmt::format("{}uid {}", page.separator(), page.escape(*report.target.pod_uid));
  }
  return text;
}

std::vector<const report::Subject*> interesting_of(const std::vector<report::Subject>& subjects) {
  std::vector<const report::Subject*> chosen;
  for (const report::Subject& subject : subjects) {
    if (subject.interesting()) chosen.push_back(&subject);
  }
  std::stable_sort(chosen.begin(), chosen.end(), [](const report::Subject* a, const report::Subject* b) {
    return a->killed() > b->killed();
  });
  return chosen;
}

std::vector<Headline> headlines_of(const report::Report& report, const std::vector<report::Subject>& subjects,
                                   const Page& page) {
  std::vector<Headline> headlines;
  for (std::size_t i = 0; i < std::min(report.notes_of_reading, report.notes.size()); ++i) {
    headlines.push_back({Tone::warn, page.escape(report.notes[i]), {}});
  }
  const std::vector<const report::Subject*> interesting = interesting_of(subjects);
  for (std::size_t i = 0; i < std::min(interesting.size(), kMaxHeadlines); ++i) {
    headlines.push_back({tone_of(*interesting[i]), headline_of(*interesting[i], report, page),
                         blind_sentence(*interesting[i], page)});
  }
  if (interesting.size() > kMaxHeadlines) {
    headlines.push_back(
        {Tone::faint,
         fmt::format("{} and {} more", page.glyph().ellipsis, interesting.size() - kMaxHeadlines),
         {}});
  }
  if (interesting.empty()) headlines.push_back({Tone::good, calm_headline(report, subjects, page), {}});
  if (const std::uint64_t lost = records_lost(report); lost > 0) {
    headlines.push_back(
        {Tone::warn,
         fmt::format("{} lost: see the end of this report", counted(lost, "record was", "records were")),
         {}});
  }
  return headlines;
}

std::string remark_on(const report::Subject& subject, const Page& page) {
  if (subject.interesting()) return subject.memcg.bursts_total > 0 ? "spiked, too" : "grew, too";
  if (subject.memcg.inherited) {
    return fmt::format("{} of tmpfs left behind by who is gone",
                       page.bytes(subject.memcg.inherited->shmem_bytes));
  }
  if (subject.echoes_child) {
    return subject.memcg.role == facts::Role::pod ? "its bursts are its containers'"
                                                  : "its bursts are its children's";
  }
  if (subject.memcg.role == facts::Role::sandbox && !subject.memcg.bursts.empty())
    return "the pause container";
  return subject.lives > 1 ? fmt::format("no bursts, {} lives", subject.lives) : "no bursts";
}

}  // namespace memspike::views
