#include <catch2/catch.hpp>

#include "report/footer.h"
#include "report/labels.h"
#include "report/spike_rows.h"
#include "report/text.h"

using namespace memspike;
using namespace memspike::report;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kMs = 1'000'000;
constexpr TextStyle kStyle{false, true, 200};

Memcg life(std::string path, std::uint64_t kill_ns, std::string limit_path) {
  Memcg m;
  m.path = std::move(path);
  m.role = Role::container;
  m.container = Container{m.path, "app"};
  m.limit_bytes = 50 * kMiB;
  OomKill kill;
  kill.time_ns = kill_ns;
  kill.limit_path = std::move(limit_path);
  kill.limit_source = LimitSource::kernel;
  m.oom_kills = {kill};
  return m;
}

spike::Spike top_at(std::uint64_t time_ns, std::uint64_t peak_bytes, std::uint64_t prominence_bytes) {
  spike::Spike s;
  s.peak_ns = time_ns;
  s.peak_bytes = peak_bytes;
  s.prominence_bytes = prominence_bytes;
  s.outcome = spike::Outcome::oom_kill;
  return s;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("kills by each life's own limit need no explanation") {
  Report report;
  report.memcgs = {life("/pod/a", 100, "/pod/a"), life("/pod/b", 200, "/pod/b")};
  const std::string text = render_text(report, kStyle);
  CHECK(has(text, "was OOM-killed 2 times by its own limit: "));
  CHECK_FALSE(has(text, "by the limit of"));
}

TEST_CASE("kills by the same other limit are explained in one line") {
  Report report;
  report.memcgs = {life("/pod/a", 100, "/pod"), life("/pod/b", 200, "/pod"), life("/pod/c", 300, "/pod/c")};
  std::string text = render_text(report, kStyle);
  CHECK(has(text, "3 times, 2 by the limit of cgroup /pod, 1 by its own limit: "));
  CHECK(has(text, "          2 kills by the limit of cgroup /pod (the kernel says so)\n"));
  for (Memcg& m : report.memcgs) m.oom_kills[0].limit_path.reset();
  text = render_text(report, kStyle);
  CHECK(has(text, "3 kills because the node ran out of memory (the kernel says so)"));
  report.memcgs[0].oom_kills[0].limit_source = LimitSource::inferred;
  report.memcgs.resize(1);
  CHECK(has(render_text(report, kStyle), "once, probably because the node ran out of memory: "));
}

TEST_CASE("equal tops close to each other are one row") {
  const std::vector<report::Spike> spikes{top_at(100 * kMs, 50, 30), top_at(150 * kMs, 50, 49),
                                          top_at(200 * kMs, 50, 30), top_at(251 * kMs, 50, 30),
                                          top_at(252 * kMs, 49, 30)};
  const auto rows = rows_of(spikes);
  REQUIRE(rows.size() == 3);
  CHECK(rows[0].tops == 3);
  CHECK(rows[0].spike.prominence_bytes == 49);
  CHECK(rows[1].tops == 1);
  CHECK(rows[2].spike.peak_bytes == 49);
  Memcg m;
  m.path = "/a";
  m.spikes = spikes;
  m.spikes_total = 5;
  Report report;
  report.memcgs = {m};
  const std::string text = render_text(report, kStyle);
  CHECK(has(text, "5 spikes in 3 rows"));
  CHECK(has(text, "OOM kill ×3\n"));
  CHECK_FALSE(has(text, "more: shown"));
  auto other_outcome = spikes;
  other_outcome[1].outcome = spike::Outcome::fell;
  CHECK(rows_of(other_outcome).size() == 5);
}

TEST_CASE("equal tops with usage in the crest between them are one row, however far apart") {
  auto later = top_at(300 * kMs, 50, 30);
  later.crest_rise_ns = 200 * kMs;
  CHECK(rows_of({top_at(100 * kMs, 50, 30), later}).size() == 1);
  CHECK(rows_of({top_at(99 * kMs, 50, 30), later}).size() == 2);
}

TEST_CASE("a spike that is measured from the container's start is marked") {
  Memcg m;
  m.path = "/a";
  m.usage.typical_bytes = 38 * kMiB;
  m.spikes = {top_at(100 * kMs, 50 * kMiB, 12 * kMiB)};
  m.spikes_total = 1;
  Report report;
  report.memcgs = {m};
  CHECK_FALSE(has(render_text(report, kStyle), "*"));
  report.memcgs[0].spikes.push_back(top_at(900 * kMs, 50 * kMiB, 32 * kMiB));
  const std::string text = render_text(report, kStyle);
  CHECK(has(text, "32.0 MiB*"));
  CHECK(has(text, "12.0 MiB  "));
  CHECK(has(text, "* measured from the cgroup's start or to its end, not from where it lives (38.0 MiB)"));
}

TEST_CASE("looks that the kernel skipped are no lost records") {
  Report report;
  report.lost = {{"ring_buffer_full", 0}, {"program_recursion", 29}};
  CHECK(records_lost(report) == 0);
  std::string text = render_text(report, kStyle);
  CHECK(has(text, "lost    nothing · 29 firings anywhere on the node skipped by the kernel (recursion)"));
  CHECK_FALSE(has(text, "were lost"));
  report.lost[0].second = 2;
  CHECK(records_lost(report) == 2);
  text = render_text(report, kStyle);
  CHECK(has(text, "2 records were lost: "));
  CHECK(has(text, "LOST    ring buffer full 2. "));
  CHECK(has(text, "29 firings anywhere"));
}

TEST_CASE("long paths lose their middle and the length of their ids") {
  const std::string id = "7b1c0e7a99d2f0c31a5566b7e8d9f0a1b2c3d4e5f60718293a4b5c6d7e8f9a0b";
  CHECK(short_path("/kubepods/burstable/pod3f2a91b0-c7d1-4e5f-8a6b-9c0d1e2f3a4b", "…") ==
        "/kubepods/burstable/pod3f2a91b0");
  CHECK(short_path("/kubepods.slice/kubepods-burstable.slice/cri-containerd-" + id + ".scope", "…") ==
        "/kubepods.slice/…/cri-containerd-7b1c0e7a99d2.scope");
  CHECK(short_path("/a/b", "…") == "/a/b");
  CHECK(with_short_paths("/" + id + ": the limit  changed", "…") == "/7b1c0e7a99d2: the limit  changed");
}
