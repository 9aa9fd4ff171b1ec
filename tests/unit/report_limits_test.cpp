// Limits for a pod as a whole: never less than what the hierarchy needs, or than what was killed had.
#include <catch2/catch.hpp>

#include "bursts_of.h"
#include "report/limits.h"
#include "report/subject.h"
#include "views/text/text.h"

using namespace memspike;
using namespace memspike::report;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kSecond = 1'000'000'000;

void add_spike(Memcg& memcg, std::uint64_t peak_mib, spike::Outcome outcome) {
  spike::Spike s;
  s.peak_ns = (memcg.spikes.size() + 1) * kSecond;
  s.peak_bytes = s.prominence_bytes = peak_mib * kMiB;
  s.rise_ns = s.crest_rise_ns = 1'000'000;
  s.outcome = outcome;
  memcg.spikes.emplace_back(s);
  memcg.spikes_total = memcg.spikes.size();
  memcg.observed.add(s);
  memcg.usage.peak_bytes = std::max(memcg.usage.peak_bytes, s.peak_bytes);
}

Memcg memcg_of(const std::string& path, facts::Role role, std::uint64_t level_mib, std::uint64_t limit_mib) {
  Memcg memcg;
  memcg.path = path;
  memcg.role = role;
  if (role == facts::Role::container)
    memcg.container = facts::Container{path, path.substr(path.rfind('/') + 1)};
  memcg.limit_bytes = limit_mib * kMiB;
  memcg.usage.typical_bytes = level_mib * kMiB;
  memcg.usage.peak_bytes = level_mib * kMiB;
  return memcg;
}

// A pod of 64 MiB, whose limit killed "app" at 12 MiB while tmpfs filled the rest.
Report killed_by_the_pod() {
  Report report;
  report.session.duration_ns = 3600 * kSecond;
  Memcg pod = memcg_of("/pod", facts::Role::pod, 40, 64);
  add_spike(pod, 64, spike::Outcome::oom_kill);
  Memcg app = memcg_of("/pod/app", facts::Role::container, 8, 48);
  add_spike(app, 12, spike::Outcome::oom_kill);
  OomKill kill;
  kill.time_ns = kSecond;
  kill.limit_path = "/pod";
  app.oom_kills.push_back(kill);
  Memcg proxy = memcg_of("/pod/proxy", facts::Role::container, 4, 16);
  add_spike(proxy, 6, spike::Outcome::fell);
  report.memcgs = {pod, app, proxy};
  return report;
}

std::vector<std::optional<LimitAdvice>> limits_of(const Report& report) {
  return advise_limits(lives_of(report));
}

}  // namespace

TEST_CASE("after a kill by the pod's limit no container is advised less, and the pod gets what it needs") {
  const Report report = killed_by_the_pod();
  const auto limits = limits_of(report);
  REQUIRE(limits.size() == 3);
  const auto& [pod, app, proxy] = std::tie(limits[0], limits[1], limits[2]);
  REQUIRE((pod && app && proxy));
  CHECK(app->known.killed_from_outside);
  CHECK(app->advice.all().limit_bytes >= 48 * kMiB);
  const std::uint64_t sum = app->advice.all().limit_bytes + proxy->advice.all().limit_bytes;
  CHECK(sum >= pod->advice.all().limit_bytes);
  CHECK(pod->advice.all().limit_bytes > 64 * kMiB);
  for (const auto& each : limits) CHECK(each->pod_limit_bytes == sum);
  CHECK(app->advice.basis == advice::Basis::pod);
  CHECK(proxy->advice.basis == advice::Basis::spikes);
  const std::string text = views::render_text(report, {false, true, 100});
  CHECK(text.find("for its pod, which needs") != std::string::npos);
  CHECK(text.find("their sum is the pod's limit") != std::string::npos);
  CHECK(text.find("memory: 0Mi") == std::string::npos);
}

TEST_CASE("a pod whose limit is not its containers' sum is left to whoever set it") {
  Report report = killed_by_the_pod();
  report.memcgs[0].limit_bytes = 80 * kMiB;
  for (const auto& each : limits_of(report)) CHECK_FALSE(each->pod_limit_bytes);
  report = killed_by_the_pod();
  report.memcgs[2].limit_bytes.reset();
  for (const auto& each : limits_of(report)) CHECK_FALSE(each->pod_limit_bytes);
}

TEST_CASE("a limit holds the highest usage of all lives, spike or not") {
  Report report;
  Memcg first = memcg_of("/pod/1", facts::Role::container, 44, 160);
  first.container->name = "app";
  add_spike(first, 2, spike::Outcome::fell);
  first.usage.peak_bytes = 46 * kMiB;
  Memcg second = memcg_of("/pod/2", facts::Role::container, 10, 160);
  second.container->name = "app";
  report.memcgs = {first, second};
  const auto limits = limits_of(report);
  REQUIRE(limits.size() == 1);
  REQUIRE(limits[0]);
  CHECK(limits[0]->known.held_bytes == 46 * kMiB);
  CHECK(limits[0]->advice.all().limit_bytes >= 46 * kMiB * 11 / 10);
  // What reclaim takes back need not be held.
  report.memcgs[0].working_set_known = report.memcgs[1].working_set_known = true;
  report.memcgs[0].shown.hold(0, kSecond, 20 * kMiB);
  CHECK(limits_of(report)[0]->known.held_bytes == 20 * kMiB);
}

TEST_CASE("a runtime that was told, or that fits itself to the limit, is not advised less") {
  Report report;
  Memcg memcg = memcg_of("/pod/jvm", facts::Role::container, 40, 120);
  add_spike(memcg, 60, spike::Outcome::fell);
  set_bursts_of_spikes(memcg);
  memcg.runtimes = {{"JVM", "", {}, true}};
  report.memcgs = {memcg};
  CHECK(limits_of(report)[0]->advice.all().limit_bytes >= 120 * kMiB);
  CHECK(views::render_text(report, {false, true, 160}).find("Pin it with -Xmx") != std::string::npos);
  report.memcgs[0].runtimes = {{"JVM", "-Xmx80m", 80 * kMiB, false}};
  CHECK(limits_of(report)[0]->advice.all().limit_bytes >= 112 * kMiB);
  CHECK(views::render_text(report, {false, true, 160}).find("JVM may take 80.0 MiB by -Xmx80m") !=
        std::string::npos);
  report.memcgs[0].runtimes = {{"Go", "GOMEMLIMIT=100MiB", 100 * kMiB, false}};
  CHECK(limits_of(report)[0]->advice.all().limit_bytes == 110 * kMiB);
}

TEST_CASE("where there is no level to live at, that is said, and nothing is requested") {
  Report report;
  Memcg memcg = memcg_of("/pod/ramp", facts::Role::container, 40, 120);
  memcg.usage.wanders = true;
  add_spike(memcg, 80, spike::Outcome::fell);
  set_bursts_of_spikes(memcg);
  report.memcgs = {memcg};
  const std::string text = views::render_text(report, {false, true, 100});
  CHECK(text.find("lives at") == text.find("lives at\n"));  // but for this sentence:
  CHECK(text.find("request none: there is no level that it lives at") != std::string::npos);
  CHECK(text.find("requests:") == std::string::npos);
}
