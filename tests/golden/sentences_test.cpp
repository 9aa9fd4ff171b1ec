// The headline's numbers, each computed again from the JSON: they are of one burst.
#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <tuple>

#include "base/units.h"
#include "stories.h"
#include "views/json/json.h"
#include "views/text/text.h"

using namespace memspike;
using Json = nlohmann::json;

namespace {

std::uint64_t number(const Json& object, const char* name) { return object.at(name).get<std::uint64_t>(); }

// Of all lives of the container: one that killed before all others, then the highest that is no level, the
// last.
Json telling_burst(const Json& report, const std::string& role) {
  std::vector<Json> bursts;
  for (const Json& memcg : report.at("memcgs")) {
    if (memcg.at("role") != role) continue;
    for (const Json& burst : memcg.at("bursts")) bursts.push_back(burst);
  }
  REQUIRE(!bursts.empty());
  const auto rank = [](const Json& burst) {
    return std::tuple(burst.at("outcome") == "oom_kill", !burst.at("is_level").get<bool>(),
                      number(burst, "top_bytes"), number(burst, "top_ns"));
  };
  return *std::max_element(bursts.begin(), bursts.end(),
                           [&](const Json& a, const Json& b) { return rank(a) < rank(b); });
}

std::string in_one_line(std::string text) {
  std::string line;
  for (const char c : text) {
    if (c == '\n') line += ' ';
    if (c == '\n' || (c == ' ' && !line.empty() && line.back() == ' ')) continue;
    line += c;
  }
  return line;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("the headline's peak, share of the limit and rise are of one burst of the JSON") {
  const report::Report story = golden::oom_story();
  const Json json = Json::parse(views::render_json(story));
  const std::string text = in_one_line(views::render_text(story, {false, true, 200}));
  const Json burst = telling_burst(json, "container");
  const std::uint64_t limit_bytes = number(json.at("memcgs").back(), "limit_bytes");
  const std::uint64_t top_bytes = number(burst, "top_bytes");
  CHECK(has(text, "at " + format_bytes(top_bytes) + " = " + std::to_string(top_bytes * 100 / limit_bytes) +
                      " % of its " + format_bytes(limit_bytes) + " limit, reached in " +
                      format_duration(number(burst, "rise_ns"))));
}

TEST_CASE("the headline's headroom is that of the same burst") {
  report::Report story = golden::oom_story();
  story.memcgs.erase(story.memcgs.begin(), story.memcgs.end() - 1);  // the life that nothing killed
  const Json json = Json::parse(views::render_json(story));
  const std::string text = in_one_line(views::render_text(story, {false, true, 200}));
  const Json burst = telling_burst(json, "container");
  CHECK(has(text, "spiked once: "));
  CHECK(number(burst, "headroom_bytes") ==
        number(json.at("memcgs")[0], "limit_bytes") - number(burst, "top_bytes"));
  CHECK(has(text, "reached in " + format_duration(number(burst, "rise_ns")) + ", " +
                      format_bytes(number(burst, "headroom_bytes")) + " short of being killed"));
}
