// What the text says of limits, in the cases that the goldens do not show.
#include <catch2/catch.hpp>

#include "bursts_of.h"
#include "views/text/text.h"

using namespace memspike;
using namespace memspike::facts;
using namespace memspike::report;
using namespace memspike::views;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kSecond = 1'000'000'000;

void add_spike(Memcg& memcg, std::uint64_t peak_bytes, spike::Outcome outcome) {
  spike::Spike s;
  s.peak_ns = (memcg.spikes.size() + 1) * kSecond;
  s.peak_bytes = s.prominence_bytes = peak_bytes;
  s.rise_ns = 8'000'000;
  s.crest_ns = 10'000'000;
  s.crest_rise_ns = 1'000'000;
  s.outcome = outcome;
  memcg.spikes.push_back(s);
  set_bursts_of_spikes(memcg);
  memcg.observed.add(memcg.bursts.back());
}

Memcg memcg_of(Role role, std::size_t fell, std::size_t killed, std::optional<std::string> limit_path) {
  Memcg m;
  m.path = "/pod/a";
  m.role = role;
  if (role == Role::container) m.container = Container{"0123", "app"};
  m.limit_bytes = 50 * kMiB;
  m.usage.peak_bytes = killed > 0 ? 50 * kMiB : 44 * kMiB;
  m.usage.typical_bytes = 38 * kMiB;
  for (std::size_t i = 0; i < fell; ++i) add_spike(m, (40 + i % 5) * kMiB, spike::Outcome::fell);
  for (std::size_t i = 0; i < killed; ++i) {
    add_spike(m, 50 * kMiB, spike::Outcome::oom_kill);
    OomKill kill;
    kill.time_ns = m.spikes.back().peak_ns;
    kill.limit_path = limit_path;
    kill.limit_source = LimitSource::kernel;
    m.oom_kills.push_back(kill);
  }
  return m;
}

std::string text_of(Memcg memcg, std::uint64_t duration_ns = 3600 * kSecond) {
  Report report;
  report.session.duration_ns = duration_ns;
  report.memcgs = {std::move(memcg)};
  return render_text(report, {false, true, 100});
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("advice for a container is YAML, for a plain cgroup a number, for a sandbox nothing") {
  const std::string container = text_of(memcg_of(Role::container, 20, 0, {}));
  CHECK(has(container,
            "  resources:\n    requests:\n      memory: 38Mi        # it lives at 38.0 MiB\n"
            "    limits:\n      memory: 49Mi        # 44.0 MiB, the highest rise, and 10 %\n"));
  const std::string cgroup = text_of(memcg_of(Role::cgroup, 20, 0, {}));
  CHECK_FALSE(has(cgroup, "resources:"));
  CHECK(has(cgroup, "limit   49Mi: 44.0 MiB, the highest rise, and 10 %"));
  CHECK_FALSE(has(text_of(memcg_of(Role::sandbox, 20, 0, {})), "limit advice"));
  Memcg pod = memcg_of(Role::pod, 20, 0, {});
  CHECK(has(text_of(pod), "limit advice"));
  pod.limit_bytes.reset();
  CHECK_FALSE(has(text_of(pod), "limit advice"));
  CHECK_FALSE(has(text_of(memcg_of(Role::container, 0, 0, {})), "limit advice"));
}

TEST_CASE("when every rise was cut off the text gives a floor and says that it is one") {
  const std::string text = text_of(memcg_of(Role::container, 0, 3, "/pod/a"));
  CHECK(has(text, "memory: 55Mi        # at least: 50.0 MiB, where rises were cut off, and 10 %"));
  CHECK(has(text, "every rise was cut off: nothing bounds the limit from above, this is a floor"));
  CHECK_FALSE(has(text_of(memcg_of(Role::container, 5, 3, "/pod/a")), "every rise was cut off"));
}

TEST_CASE("a limit of another level, or none at all, is not what a higher limit here changes") {
  CHECK(has(text_of(memcg_of(Role::container, 5, 1, "/pod")),
            "1 kill by the limit of cgroup /pod: that limit has to rise, this one alone does not help"));
  CHECK(has(text_of(memcg_of(Role::container, 5, 2, {})),
            "2 kills because the node ran out of memory: no limit here helps against that"));
  CHECK_FALSE(has(text_of(memcg_of(Role::container, 5, 1, "/pod/a")), "has to rise"));
}

TEST_CASE("page cache and short recordings are doubts that are told") {
  Memcg memcg = memcg_of(Role::container, 5, 0, {});
  memcg.shown.hold(0, 60 * kSecond, 20 * kMiB);
  memcg.working_set_known = true;
  const std::string text = text_of(memcg, 30 * kSecond);
  CHECK(has(text, "page cache that can be reclaimed: the working set peaked at 20.0 MiB"));
  CHECK(has(text, "from    5 rises in 30.0 s: a longer recording may hold higher ones"));
  CHECK(has(text, "kubectl top: 20.0 MiB. Kernel: 44.0 MiB. A 30 s scraper had no chance to see it."));
  memcg.working_set_known = false;
  CHECK_FALSE(has(text_of(memcg), "page cache"));
  CHECK_FALSE(has(text_of(memcg), "a longer recording"));
}
