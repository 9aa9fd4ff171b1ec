#include <catch2/catch.hpp>

#include "bursts_of.h"
#include "views/sentences/footer.h"
#include "views/sentences/labels.h"
#include "views/text/text.h"

using namespace memspike;
using namespace memspike::facts;
using namespace memspike::report;
using namespace memspike::views;

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

TEST_CASE("a level is listed with a star, and counts as no burst") {
  Memcg m;
  m.path = "/a";
  m.usage.typical_bytes = 38 * kMiB;
  m.spikes = {top_at(100 * kMs, 50 * kMiB, 12 * kMiB)};
  set_bursts_of_spikes(m);
  Report report;
  report.memcgs = {m};
  std::string text = render_text(report, kStyle);
  CHECK(has(text, "1 burst  at least"));
  CHECK_FALSE(has(text, "*"));
  report.memcgs[0].bursts.push_back(burst_of(top_at(900 * kMs, 50 * kMiB, 32 * kMiB)));
  report.memcgs[0].bursts.back().is_level = true;
  text = render_text(report, kStyle);
  CHECK(has(text, "1 burst, 1 level"));
  CHECK(has(text, "32.0 MiB*"));
  CHECK(has(text, "12.0 MiB  "));
  CHECK(has(text, "* it took more than half of the time: a level to live at, which counts as no burst"));
}

TEST_CASE("find_peaks' prominence stands beside the height where it is another one") {
  Memcg m;
  m.path = "/a";
  m.spikes = {top_at(100 * kMs, 50 * kMiB, 12 * kMiB), top_at(200 * kMs, 50 * kMiB, 12 * kMiB)};
  set_bursts_of_spikes(m);
  Report report;
  report.memcgs = {m};
  CHECK_FALSE(has(render_text(report, kStyle), "prominence"));
  report.memcgs[0].bursts[1].prominence_bytes = 50 * kMiB;
  const std::string text = render_text(report, kStyle);
  CHECK(has(text, "12.0 MiB    50.0 MiB"));
  CHECK(
      has(text, "prominence, as find_peaks measures it from the lowest level on both sides: up to 50.0 MiB"));
}

TEST_CASE("the headline's numbers are all of one burst") {
  Memcg m;
  m.path = "/a";
  m.limit_bytes = 160 * kMiB;
  m.usage.typical_bytes = 20 * kMiB;
  m.usage.peak_bytes = 117 * kMiB;
  spike::Spike high = top_at(100 * kMs, 117 * kMiB, 97 * kMiB);
  high.outcome = spike::Outcome::fell;
  high.rise_ns = 34 * kMs;
  high.headroom_bytes = 43 * kMiB;
  spike::Spike low = top_at(200 * kMs, 60 * kMiB, 40 * kMiB);
  low.outcome = spike::Outcome::fell;
  low.rise_ns = 5 * kMs;
  low.headroom_bytes = 30 * kMiB;  // a limit above was nearer then
  m.spikes = {high, low};
  set_bursts_of_spikes(m);
  Report report;
  report.memcgs = {m};
  const std::string glue(1, kGlue);
  CHECK(has(render_text(report, kStyle),
            "spiked 2 times: lives at 20.0 MiB, peaks at 117.0 MiB = 73 % of its 160.0 MiB limit, reached in "
            "34.0 ms, 43.0 MiB short of being killed"));
}

TEST_CASE("a process that starts, stays and ends grew, and a target that does not move is flat") {
  Memcg m;
  m.path = "/a";
  m.limit_bytes = 1024 * kMiB;
  m.usage = {0, 0, 0, 409 * kMiB, 500, 389 * kMiB};
  spike::Spike up = top_at(500 * kMs, 409 * kMiB, 409 * kMiB);
  up.outcome = spike::Outcome::ongoing;
  up.rise_ns = 300 * kMs;
  up.headroom_bytes = 615 * kMiB;
  m.bursts = {burst_of(up)};
  m.bursts[0].is_level = true;
  Report report;
  report.memcgs = {m};
  const std::string text = render_text(report, kStyle);
  CHECK(has(text,
            " grew to 409.0 MiB = 39 % of its 1.00 GiB limit, in 300 ms, 615.0 MiB short of being killed"));
  CHECK_FALSE(has(text, "all quiet"));
  CHECK(has(text, "1 level"));

  report.memcgs[0].bursts.clear();
  report.memcgs[0].usage = {40 * kMiB, 40 * kMiB, 40 * kMiB, 40 * kMiB, 1, 40 * kMiB};
  report.events = {{"samples", 3}};
  CHECK(has(render_text(report, kStyle), "no OOM kill; usage flat at 40.0 MiB"));
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
  const Report report;
  CHECK(with_names("/" + id + ": the limit  changed", report, Page(report, kStyle)) ==
        "/7b1c0e7a99d2: the limit  changed");
}
