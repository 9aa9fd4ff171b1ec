#include "report/summary.h"

#include <fmt/core.h>

#include <algorithm>

#include "base/units.h"
#include "report/blind_spot.h"
#include "report/footer.h"
#include "report/headline.h"

namespace memspike::report {
namespace {

// Nothing happened: say what that means.
std::string calm_headline(const Report& report, const std::vector<Subject>& subjects, const Page& page) {
  if (subjects.empty()) return "nothing to report: the target had no memory cgroup while memspike watched";
  std::uint64_t peak_bytes = 0;
  for (const Subject& subject : subjects) peak_bytes = std::max(peak_bytes, subject.memcg.usage.peak_bytes);
  const bool silent = std::none_of(report.events.begin(), report.events.end(), [](const Counter& counter) {
    return counter.first == "samples" && counter.second > 0;
  });
  const std::string threshold = page.bytes(report.session.min_prominence_bytes);
  if (silent && peak_bytes == 0) return "nothing to report: no memory was charged while memspike watched";
  if (silent) return fmt::format("nothing to report: usage stayed at {}", page.bytes(peak_bytes));
  return fmt::format("all quiet: no spike of {} or more, no OOM kill; usage peaked at {}", threshold,
                     page.bytes(peak_bytes));
}

}  // namespace

std::string target_name(const Report& report, const Page& page) {
  const Target& target = report.target;
  if (!target.pod) return page.escape(target.description);
  const std::string name_space = target.namespace_name ? page.escape(*target.namespace_name) + "/" : "";
  const std::string qos = target.qos ? fmt::format(" ({})", page.escape(*target.qos)) : "";
  return fmt::format("pod {}{}{}", name_space, page.escape(*target.pod), qos);
}

std::string when_and_what(const Report& report, const Page& page) {
  const std::string utc = format_utc(report.session.start_realtime_ns);
  std::string text = fmt::format("from {} {} UTC, for {}", utc.substr(0, 10), utc.substr(11, 8),
                                 page.duration(report.session.duration_ns));
  if (report.target.pod_uid) {
    text += fmt::format("{}uid {}", page.separator(), page.escape(*report.target.pod_uid));
  }
  return text;
}

std::vector<const Subject*> interesting_of(const std::vector<Subject>& subjects) {
  std::vector<const Subject*> chosen;
  for (const Subject& subject : subjects) {
    if (subject.interesting()) chosen.push_back(&subject);
  }
  std::stable_sort(chosen.begin(), chosen.end(),
                   [](const Subject* a, const Subject* b) { return a->killed() > b->killed(); });
  return chosen;
}

std::vector<Headline> headlines_of(const Report& report, const std::vector<Subject>& subjects,
                                   const Page& page) {
  std::vector<Headline> headlines;
  const std::vector<const Subject*> interesting = interesting_of(subjects);
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

std::string remark_on(const Subject& subject) {
  if (subject.echoes_child) {
    return subject.memcg.role == Role::pod ? "its spikes are its containers'"
                                           : "its spikes are its children's";
  }
  if (subject.interesting()) return "spiked, too";
  return subject.lives > 1 ? fmt::format("no spikes, {} lives", subject.lives) : "no spikes";
}

}  // namespace memspike::report
