// A recording cut to a span of time.
#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <random>

#include "recording/window.h"
#include "recording_facts.h"

using namespace memspike;
using namespace memspike::facts;
using recording::Bound;
using recording::Span;
using Json = nlohmann::json;

namespace {

Json windowed(const Span& span) {
  std::vector<facts::Fact> facts;
  recording::Window window(span, [&](const facts::Fact& fact) { facts.push_back(fact); });
  for (const facts::Fact& fact : story()) window.apply(fact);
  return Json::parse(report_of(facts));
}

Json timeline_of(const Json& report, const std::string& path) {
  for (const Json& memcg : report.at("memcgs")) {
    if (memcg.at("path") == path) return memcg.at("timeline");
  }
  return {};
}

}  // namespace

TEST_CASE("a span keeps its rows, and enters and ends with what held then") {
  const Json report = windowed({Bound{4'500'000, false}, Bound{6'050'000, false}});
  CHECK(report.at("session").at("duration_ns") == 1'550'000);
  CHECK(timeline_of(report, "/pod/app") == Json({{kStartNs + 4'500'000, 45 * kMiB},
                                                 {kStartNs + 5'000'000, 2 * kMiB},
                                                 {kStartNs + 6'000'000, 30 * kMiB},
                                                 {kStartNs + 6'050'000, 30 * kMiB}}));
  // Nothing of it moved meanwhile.
  CHECK(timeline_of(report, "/pod") ==
        Json({{kStartNs + 4'500'000, 2 * kMiB}, {kStartNs + 6'050'000, 2 * kMiB}}));
  CHECK(report.at("notes")[0].get<std::string>().find("a part of a recording") == 0);
}

TEST_CASE("kills outside a span are left out") {
  CHECK(windowed({Bound{0, false}, Bound{8'400'000, false}}).at("memcgs")[1].at("oom_kills").empty());
  CHECK(windowed({Bound{8'400'000, false}, {}}).at("memcgs")[1].at("oom_kills").size() == 1);
  CHECK(windowed({Bound{8'700'000, false}, {}}).at("memcgs")[1].at("oom_kills").empty());
}

TEST_CASE("of stacks a span has those that were seen within it") {
  const auto kept = [](std::uint64_t from_ns, std::uint64_t to_ns) {
    std::vector<std::uint64_t> pages;
    recording::Window window({Bound{from_ns, false}, Bound{to_ns, false}}, [&](const facts::Fact& fact) {
      if (const auto* stack = std::get_if<facts::StackSeen>(&fact)) pages.push_back(stack->stack.pages);
    });
    window.apply(facts::session(0));
    for (std::uint64_t i = 0; i < 5; ++i) {
      facts::StackSeen stack;
      stack.stack.pages = i;
      stack.stack.since_ns = i == 4 ? 0 : kStartNs + i * 100'000'000;  // the last one's time is not known
      stack.stack.until_ns = i == 4 ? 0 : stack.stack.since_ns + 100'000'000;
      window.apply(stack);
    }
    return pages;
  };
  CHECK(kept(0, 1'000'000'000) == std::vector<std::uint64_t>{0, 1, 2, 3});
  CHECK(kept(150'000'000, 250'000'000) == std::vector<std::uint64_t>{1, 2});
  CHECK(kept(200'000'000, 299'000'000) == std::vector<std::uint64_t>{2});
}

TEST_CASE("of a span the hits within are known, not what the kernel counted in all") {
  const auto refused = [](const Span& span) {
    return windowed(span).at("memcgs")[1].at("near_misses").at("refused_charges");
  };
  CHECK(refused({Bound{0, false}, {}}) == 17);
  CHECK(refused({Bound{0, false}, Bound{8'400'000, false}}).is_null());
  CHECK(refused({Bound{8'460'000, false}, {}}).is_null());
}

TEST_CASE("a span in UTC is the same span") {
  CHECK(windowed({Bound{kUtcNs + 4'500'000, true}, Bound{kUtcNs + 6'050'000, true}}) ==
        windowed({Bound{4'500'000, false}, Bound{6'050'000, false}}));
}

TEST_CASE("spans before, after and around the recording") {
  CHECK(windowed({Bound{20'000'000, false}, {}}).at("session").at("duration_ns") == 0);
  CHECK(windowed({{}, Bound{1, true}}).at("memcgs").empty());
  CHECK(timeline_of(windowed({Bound{0, false}, Bound{99'000'000, false}}), "/pod/app").size() >= 7);
}

namespace {

// A container whose usage goes anywhere, stays anywhere, and is killed now and then.
std::vector<facts::Fact> wandering(std::mt19937_64& random, std::uint64_t length_ns) {
  std::vector<facts::Fact> facts{session(1), story()[1], story()[2]};
  std::uint64_t usage_bytes = 10 * kMiB;
  for (std::uint64_t after_ns = 1'000; after_ns < length_ns; after_ns += 1'000'000 + random() % 700'000'000) {
    facts.push_back(row(1, after_ns, usage_bytes, 64 * kMiB));
    if (random() % 3 != 0) usage_bytes = (1 + random() % 60) * kMiB;
    if (random() % 20 == 0) facts.push_back(kill(after_ns, false));
  }
  facts.push_back(facts::RecordingEnded{kStartNs + length_ns});
  return facts;
}

std::uint64_t time_of(const facts::Fact& fact) {
  if (const auto* row = std::get_if<facts::MemcgRow>(&fact)) return row->row.time_ns;
  if (const auto* killed = std::get_if<facts::ProcessKilled>(&fact)) return killed->kill.time_ns;
  if (const auto* ended = std::get_if<facts::RecordingEnded>(&fact)) return ended->time_ns;
  return 0;
}

}  // namespace

TEST_CASE("at every second the live count of bursts is that of a report up to then") {
  constexpr std::uint64_t kSecondNs = 1'000'000'000;
  std::mt19937_64 random(12);
  std::uint64_t most = 0;
  for (int recording = 0; recording < 20; ++recording) {
    const std::vector<facts::Fact> facts = wandering(random, 40 * kSecondNs);
    lives::LifeTable live({});
    auto next = facts.begin();
    for (std::uint64_t second = 1; second < 40; ++second) {
      const std::uint64_t now_ns = kStartNs + second * kSecondNs;
      for (; next != facts.end() && time_of(*next) <= now_ns; ++next) live.apply(*next);
      lives::LifeTable replay({});
      recording::Window window({{}, Bound{second * kSecondNs, false}},
                               [&](const facts::Fact& fact) { replay.apply(fact); });
      for (const facts::Fact& fact : facts) window.apply(fact);
      std::uint64_t reported = 0;
      for (const report::Memcg& memcg : replay.take().memcgs)
        reported = std::max(reported, memcg.bursts_total);
      INFO("recording " << recording << ", second " << second);
      REQUIRE(live.live(now_ns).bursts == reported);
      most = std::max(most, reported);
    }
  }
  CHECK(most > 10);
}
