// Writes the HTML reports that the browser test opens: make_pages DIRECTORY.
#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string>

#include "serve/page.h"
#include "spike/burst_detector.h"
#include "spike/detector.h"
#include "stories.h"
#include "views/html/html.h"

namespace {

using namespace memspike;
using namespace memspike::facts;
using namespace memspike::near_miss;
using namespace memspike::report;
using namespace memspike::views;

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kPage = 4096;
constexpr std::uint64_t kMs = 1'000'000;

// A generator of our own: the same page on every machine.
class Random {
 public:
  std::uint64_t below(std::uint64_t bound) {
    state_ = state_ * 6'364'136'223'846'793'005ULL + 1'442'695'040'888'963'407ULL;
    return (state_ >> 33) % bound;
  }

 private:
  std::uint64_t state_ = 1;
};

// Gives the memcg a timeline, and the spikes and the peak that are in it.
void set_timeline(Memcg& memcg, const std::vector<std::pair<std::uint64_t, std::uint64_t>>& rows,
                  std::uint64_t min_prominence_bytes) {
  spike::Detector detector(min_prominence_bytes);
  spike::BurstDetector bursts(min_prominence_bytes);
  std::vector<spike::Burst> ended;
  const std::uint64_t limit = memcg.limit_bytes.value_or(spike::kNoHeadroom);
  std::vector<spike::Spike> found;
  for (const auto& [time_ns, bytes] : rows) {
    detector.push({time_ns, bytes, limit - bytes}, found);
    bursts.push({time_ns, bytes, limit - bytes}, ended);
  }
  detector.finish(found);
  memcg.spikes.insert(memcg.spikes.end(), found.begin(), found.end());
  std::sort(memcg.spikes.begin(), memcg.spikes.end(),
            [](const auto& a, const auto& b) { return a.peak_ns < b.peak_ns; });
  memcg.spikes_total = memcg.spikes.size();
  memcg.bursts.insert(memcg.bursts.end(), ended.begin(), ended.end());
  memcg.bursts_total = memcg.bursts.size();
  memcg.burst_threshold_bytes = min_prominence_bytes;
  const auto highest = std::max_element(rows.begin(), rows.end(),
                                        [](const auto& a, const auto& b) { return a.second < b.second; });
  memcg.usage.peak_ns = highest->first;
  memcg.usage.peak_bytes = highest->second;
  memcg.kernel_peak_bytes = highest->second;
  for (const auto& [time_ns, bytes] : rows) memcg.timeline.emplace_back(time_ns, bytes);
}

// Tens of thousands of short stalls over all of the time, and one of two seconds in its middle.
StallMarks many_stalls(std::uint64_t start_ns, std::uint64_t duration_ns, Random& random) {
  constexpr std::uint64_t kStalls = 40'000;
  StallMarks marks;
  for (std::uint64_t i = 0; i < kStalls; ++i) {
    const std::uint64_t end_ns = start_ns + duration_ns / kStalls * i + random.below(100) * kMs;
    marks.add(end_ns, i == kStalls / 2 ? 2'000 * kMs : 1'000 + random.below(40 * kMs));
  }
  return marks;
}

// Six hours at 40 MiB in a million rows, with ten spikes of one row each: microseconds wide.
Report million() {
  Report report = golden::quiet();
  report.session.duration_ns = 6ULL * 3600 * 1000 * kMs;
  const std::uint64_t start = report.session.start_monotonic_ns;
  constexpr std::size_t kRows = 1'000'000;
  Random random;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> rows;
  for (std::size_t i = 0; i < kRows; ++i) {
    std::uint64_t bytes = 40 * kMiB + random.below(64) * kPage;
    if (i % 100'000 == 54'321) bytes = (60 + i / 100'000) * kMiB + 3 * kPage;
    rows.emplace_back(start + report.session.duration_ns / kRows * i + random.below(20) * kMs, bytes);
    // Around a spike the rows are a microsecond apart.
    if (i % 100'000 >= 54'320 && i % 100'000 <= 54'322) rows.back().first = rows[i - 1].first + 1000;
  }
  for (std::size_t i = 1; i < kRows; ++i) rows[i].first = std::max(rows[i].first, rows[i - 1].first);
  Memcg& memcg = report.memcgs[0];
  memcg.limit_bytes = 80 * kMiB;
  memcg.usage = {40 * kMiB, 40 * kMiB, 40 * kMiB, 0, 0, 40 * kMiB};
  memcg.limits = {{start, 80 * kMiB}};
  memcg.stall_marks = many_stalls(start, report.session.duration_ns, random);
  set_timeline(memcg, std::move(rows), 4 * kMiB);
  return report;
}

// Two lives of a container, the limit raised in the second; the first is killed. Its names are hostile.
Report hostile() {
  Report report = golden::hostile();
  const std::string attack = std::string("</script><script>globalThis.attacked = 1</script>--><img src=x ") +
                             "onerror=globalThis.attacked=2>" + "\xe2\x80\xa8" + golden::kHostileName;
  report.target.pod = report.target.namespace_name = attack;
  report.notes.push_back(attack);
  report.lost.emplace_back(attack, 7);
  const std::uint64_t start = report.session.start_monotonic_ns;
  Memcg& memcg = report.memcgs[0];
  memcg.path = "/" + attack;
  memcg.container = Container{attack, attack};
  memcg.oom_kills[0].comm = attack;
  memcg.oom_kills[0].limit_path = attack;
  memcg.oom_kills[0].trigger = OomKill::Trigger{3, attack};
  memcg.oom_kills[0].victims = {{1, attack}, {2, attack}};
  memcg.oom_kills[0].time_ns = start + 900 * kMs;
  memcg.allocations.by_process[0].comm = attack;
  memcg.spikes.clear();
  memcg.bursts.clear();
  std::vector<std::pair<std::uint64_t, std::uint64_t>> rows;
  for (std::uint64_t i = 0; i <= 900; ++i) {
    rows.emplace_back(start + i * kMs, std::min(50 * kMiB, (i % 300) * 40 * kPage));
  }
  memcg.limits = {{start, {}}, {start + 100 * kMs, 50 * kMiB}, {start + 500 * kMs, 60 * kMiB}};
  set_timeline(memcg, std::move(rows), kMiB);
  return report;
}

// The node at a glance, with names that would like to be more than names.
std::string node_page() {
  const std::string attack = std::string("</table><script>globalThis.attacked = 1</script><img src=x ") +
                             "onerror=globalThis.attacked=2>" + "\xe2\x80\xae" + golden::kHostileName;
  serve::Glance glance;
  glance.realtime_ns = 1'796'010'012'345'678'901;
  for (const std::uint64_t used : {10U, 99U, 50U}) {
    serve::Series& series = glance.series.emplace_back();
    series.id = {"shop", used == 99 ? attack : "calm-" + std::to_string(used), "app"};
    series.living = 1;
    series.usage_bytes = used * kMiB;
    series.limit_bytes = 100 * kMiB;
    series.minute_kib[59] = static_cast<std::uint32_t>(used << 10);
  }
  serve::KillRecord& kill = glance.kills.emplace_back();
  kill.subject = {attack, attack, attack};
  kill.comm = attack;
  kill.dossier = "20261130T034012.345Z-shop-checkout-0-app";
  serve::KillRecord& other = glance.kills.emplace_back(kill);
  other.dossier.clear();
  other.no_dossier = attack;
  return serve::render_page(glance);
}

bool write(const std::string& path, const Report& report) {
  std::ofstream file(path, std::ios::binary);
  const auto written = render_html(report, [&](std::string_view text) -> Result<void> {
    file << text;
    return {};
  });
  return written && file.flush();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::string directory = argv[1];
  const bool written = write(directory + "/million.html", million()) &&
                       write(directory + "/hostile.html", hostile()) &&
                       (std::ofstream(directory + "/node.html", std::ios::binary) << node_page()).flush() &&
                       write(directory + "/story.html", golden::oom_story_with_timeline()) &&
                       write(directory + "/untimed.html", golden::losses()) &&
                       write(directory + "/absent.html", golden::absent());
  return written ? 0 : 1;
}
