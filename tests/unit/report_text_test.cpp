#include <catch2/catch.hpp>

#include "bursts_of.h"
#include "views/sentences/headline.h"
#include "views/text/text.h"

using namespace memspike;
using namespace memspike::facts;
using namespace memspike::report;
using namespace memspike::views;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;
constexpr TextStyle kStyle{false, true, 200};

Memcg container(std::string path, std::uint64_t kill_ns) {
  Memcg m;
  m.path = std::move(path);
  m.role = Role::container;
  m.container = Container{"0123456789abcdef", "app"};
  m.limit_bytes = 50 * kMiB;
  m.usage.peak_bytes = 50 * kMiB;
  m.kernel_peak_bytes = 50 * kMiB;
  m.kernel_peak_source = "memory.peak";
  OomKill kill;
  kill.time_ns = kill_ns;
  kill.pid = 7;
  kill.comm = "stress";
  kill.usage_bytes = 50 * kMiB;
  kill.limit_bytes = m.limit_bytes;
  m.oom_kills = {kill};
  m.kernel_oom_kills = 1;
  return m;
}

spike::Spike spike_at(std::uint64_t time_ns, std::uint64_t height_bytes) {
  spike::Spike s;
  s.peak_ns = time_ns;
  s.left_base_ns = time_ns - 5;
  s.right_base_ns = time_ns + 5;
  s.peak_bytes = s.prominence_bytes = height_bytes;
  return s;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a restarted container is one subject") {
  Report report;
  report.memcgs = {container("/pod/a", 100), container("/pod/b", 200), container("/other/c", 300)};
  report.memcgs[1].container->id = "b";
  report.memcgs[1].usage.min_bytes = 0;
  report.memcgs[0].usage.min_bytes = 9;
  const auto subjects = subjects_of(report);
  REQUIRE(subjects.size() == 2);
  CHECK(subjects[0].lives == 2);
  CHECK(subjects[0].memcg.path == "/pod/b");
  CHECK(subjects[0].memcg.oom_kills.size() == 2);
  CHECK(subjects[0].memcg.usage.min_bytes == 0);
  CHECK(*subjects[0].memcg.kernel_oom_kills == 2);
  const std::string text = render_text(report, kStyle);
  CHECK(has(text, "container app was OOM-killed 2 times, probably because the node ran out of memory: "));
  CHECK(has(text, "container app was OOM-killed once, probably because the node ran out of memory: "));
  CHECK(has(text, "equal to the byte, in each of its 2 lives"));
}

TEST_CASE("a pod whose spikes and kills are its container's is one line") {
  Report report;
  Memcg pod;
  pod.path = "/pod";
  pod.role = Role::pod;
  pod.bursts = {burst_of(spike_at(100, 50 * kMiB))};
  pod.oom_kills = container("", 101).oom_kills;
  pod.oom_kills[0].pid = 7;
  Memcg app = container("/pod/a", 101);
  app.bursts = {burst_of(spike_at(98, 49 * kMiB))};
  report.memcgs = {pod, app};
  auto subjects = subjects_of(report);
  CHECK(subjects[0].echoes_child);
  CHECK(subjects[0].kills_listed_below);
  CHECK_FALSE(subjects[0].interesting());
  CHECK(subjects[1].interesting());

  // A spike of its own, or a kill of its own, is worth a section.
  report.memcgs[0].bursts.push_back(burst_of(spike_at(500, kMiB)));
  CHECK(subjects_of(report)[0].interesting());
  report.memcgs[0].bursts.clear();
  report.memcgs[0].oom_kills[0].pid = 8;
  CHECK(subjects_of(report)[0].killed());
}

TEST_CASE("a sibling whose path only begins alike is no child") {
  Report report;
  Memcg a;
  a.path = "/pod";
  a.bursts = {burst_of(spike_at(100, kMiB))};
  Memcg b = a;
  b.path = "/pod2";
  report.memcgs = {a, b};
  CHECK_FALSE(subjects_of(report)[0].echoes_child);
}

TEST_CASE("kills that only the kernel counted are not passed over") {
  Report report;
  report.memcgs = {container("/a", 100)};
  report.memcgs[0].kernel_oom_kills = 3;
  CHECK(has(render_text(report, kStyle), "the kernel counted 3 OOM kills here, not 1"));
  report.memcgs[0].oom_kills.clear();
  const std::string text = render_text(report, kStyle);
  CHECK(has(text, "was OOM-killed 3 times by the kernel's count"));
  CHECK(has(text, "the kernel counted 3 OOM kills here, not 0"));
}

TEST_CASE("the difference to the kernel's peak is explained") {
  Report report;
  report.memcgs = {container("/a", 100)};
  report.memcgs[0].kernel_peak_bytes = 51 * kMiB;
  CHECK(has(render_text(report, kStyle), "1.0 MiB more than recorded: reached before the recording began"));
  report.lost = {{"ring_buffer_full", 1}};
  const std::string text = render_text(report, kStyle);
  CHECK(has(text, "reached before the recording, or in what was lost"));
  CHECK(has(text, "1 record was lost: "));
  CHECK(has(text, "LOST    ring buffer full 1."));
  report.memcgs[0].kernel_peak_bytes = 49 * kMiB;
  CHECK(has(render_text(report, kStyle), "1.0 MiB less than recorded: it was reset meanwhile"));
  report.memcgs[0].kernel_peak_bytes.reset();
  CHECK(has(render_text(report, kStyle), "could not be read"));
}

TEST_CASE("percentages never round up to the limit") {
  const std::string glue(1, kGlue);
  CHECK(percent_of(50 * kMiB, 50 * kMiB) == "100" + glue + "%");
  CHECK(percent_of(50 * kMiB - 1, 50 * kMiB) == "99.9" + glue + "%");
  CHECK(percent_of(48 * kMiB, 50 * kMiB) == "96" + glue + "%");
  CHECK(percent_of(51 * kMiB, 50 * kMiB) == "102" + glue + "%");
  CHECK(percent_of(0, 50 * kMiB) == "0" + glue + "%");
}

TEST_CASE("the table of bursts keeps every kill and the highest") {
  Report report;
  report.session.min_prominence_bytes = kMiB;
  Memcg m;
  m.path = "/a";
  for (std::uint64_t i = 1; i <= 50; ++i) m.spikes.push_back(spike_at(i * 1'000'000'000, (100 + i) * kMiB));
  m.spikes[0].outcome = spike::Outcome::oom_kill;
  set_bursts_of_spikes(m);
  m.bursts_total = 60;
  report.memcgs = {m};
  const std::string text = render_text(report, kStyle);
  CHECK(has(text, "00:00:01.000000  101.0 MiB"));
  CHECK(has(text, "OOM kill"));
  CHECK_FALSE(has(text, "00:00:31.000000  131.0 MiB"));
  CHECK(has(text, "00:00:32.000000  132.0 MiB"));
  CHECK(has(text, "… and 40 more"));
}
