// A recording cut to a span of time.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "recording/window.h"
#include "recording_facts.h"

using namespace memspike;
using namespace memspike::facts;
using recording::Bound;
using recording::Span;
using Json = nlohmann::json;

namespace {

Json windowed(const Span& span) {
  std::vector<report::Fact> facts;
  recording::Window window(span, [&](const report::Fact& fact) { facts.push_back(fact); });
  for (const report::Fact& fact : story()) window.apply(fact);
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
