#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "base/utf8.h"
#include "golden.h"
#include "schema_check.h"
#include "stories.h"
#include "views/csv/csv.h"
#include "views/json/json.h"
#include "views/json/schema.h"
#include "views/metrics/openmetrics.h"

using namespace memspike;
using namespace memspike::report;
using namespace memspike::views;
using golden::check_golden;
using Json = nlohmann::ordered_json;

namespace {

std::vector<std::string> keys_of(const Json& object) {
  std::vector<std::string> keys;
  for (const auto& item : object.items()) keys.push_back(item.key());
  return keys;
}

bool starts_with(const std::vector<std::string>& keys, const std::vector<std::string>& contract) {
  return keys.size() >= contract.size() && std::equal(contract.begin(), contract.end(), keys.begin());
}

bool only_integers(const Json& json) {
  if (json.is_number_float()) return false;
  return std::all_of(json.begin(), json.end(), [](const Json& child) {
    return !child.is_structured() ? !child.is_number_float() : only_integers(child);
  });
}

std::string timeline_csv() {
  std::string text;
  CsvWriter csv([&](std::string_view chunk) -> Result<void> {
    text += chunk;
    return {};
  });
  csv.row(86'400'000'040'123, "/kubepods/pod1/app", 40'001'536, 40'001'536, 52'428'800, Mark::sampled);
  csv.row(86'400'000'040'123, "/kubepods/pod1", 40'292'352, 40'292'352, {}, Mark::sampled);
  csv.row(86'400'000'080'000, "/kubepods/pod1/app", 40'001'536, 40'001'536, 52'428'800, Mark::held);
  csv.row(86'400'000'080'001, "/kubepods/pod1/app", 52'428'800, 52'428'800, 52'428'800, Mark::watermark);
  csv.row(86'400'000'081'000, std::string("/") + golden::kHostileName, 0, 52'428'800, 0, Mark::sampled);
  csv.row(18'446'744'073'709'551'615u, "/a, b", 18'446'744'073'709'551'615u, 1, {}, Mark::sampled);
  CHECK(csv.flush());
  return text;
}

}  // namespace

TEST_CASE("reports as JSON, and their schema") {
  const auto check = [](std::string_view file, const report::Report& report) {
    const std::string json = render_json(report);
    check_golden(file, json);
    CHECK(testing::against_schema(json).empty());
  };
  check("oom_story.json", golden::oom_story());
  check("timeline.json", golden::oom_story_with_timeline());
  check("absent.json", golden::absent());
  check("silent.json", golden::silent());
  check("hostile.json", golden::hostile());
  check("losses.json", golden::losses());
  check("stacks.json", golden::stacks());
  check_golden("report_schema.txt", json_schema());
}

TEST_CASE("what is not as the schema says is found") {
  const Json story = Json::parse(render_json(golden::oom_story()));
  const auto faults = [&](const char* pointer, const Json& value) {
    Json other = story;
    other[Json::json_pointer(pointer)] = value;
    return testing::against_schema(other.dump());
  };
  CHECK(faults("/schema_version", 2) == "/schema_version: is not 1\n");
  CHECK(faults("/memcgs/0/gone", "no") == "/memcgs/0/gone: is no \"boolean\"\n");
  CHECK(faults("/memcgs/0/role", "king") == "/memcgs/0/role: \"king\" is no word of it\n");
  CHECK(faults("/memcgs/0/usage/peak_ns", -1) == "/memcgs/0/usage/peak_ns: -1 is too little\n");
  CHECK(faults("/memcgs/0/swap_bytes", 1) ==
        "/memcgs/0: has \"swap_bytes\", which the schema does not name\n");
  Json lacking = story;
  lacking["session"].erase("tier");
  CHECK(testing::against_schema(lacking.dump()) == "/session: lacks \"tier\"\n");
}

TEST_CASE("the JSON keeps the contract: names, order, integers, nulls") {
  const Json json = Json::parse(render_json(golden::oom_story_with_timeline()));
  CHECK(keys_of(json) == std::vector<std::string>{"schema_version", "session", "target", "memcgs", "events",
                                                  "lost", "self", "notes", "subjects"});
  CHECK(json["schema_version"] == 1);
  CHECK(starts_with(keys_of(json["session"]),
                    {"start_utc", "duration_ns", "kernel_release", "cgroup_mode", "tier", "hooks",
                     "sweep_period_ns", "max_sample_gap_ns", "min_prominence_bytes"}));
  const Json& subject = json["subjects"][2];
  CHECK(keys_of(subject) == std::vector<std::string>{"path", "role", "container", "lives", "blind_spot",
                                                     "advice", "limited_ns", "above_limit", "pod"});
  CHECK(keys_of(subject["blind_spot"]) == std::vector<std::string>{"shows", "scrapers"});
  CHECK(keys_of(subject["blind_spot"]["scrapers"][0]) ==
        std::vector<std::string>{"period_ns", "looks_ppm", "shown_p5_bytes", "shown_p50_bytes",
                                 "shown_p95_bytes", "sees_peak_ppm", "sees_peak_at_least_ppm",
                                 "sees_peak_at_most_ppm"});
  CHECK(keys_of(subject["advice"]) ==
        std::vector<std::string>{"spikes", "cut_off", "margin_percent", "limits", "extrapolated_bytes",
                                 "request_bytes", "curve", "basis", "basis_bytes", "held_bytes",
                                 "pod_limit_bytes", "runtimes", "held_down"});
  CHECK(keys_of(json["target"]) == std::vector<std::string>{"pod_uid", "namespace", "pod", "qos", "cgroup"});
  const Json& memcg = json["memcgs"][2];
  CHECK(keys_of(memcg) == std::vector<std::string>{"path",
                                                   "role",
                                                   "container",
                                                   "limit_bytes",
                                                   "usage",
                                                   "kernel_peak_bytes",
                                                   "kernel_peak_source",
                                                   "spikes",
                                                   "histograms",
                                                   "oom_kills",
                                                   "allocations",
                                                   "timeline",
                                                   "kernel_oom_kills",
                                                   "gone",
                                                   "spikes_total",
                                                   "near_misses",
                                                   "inherited",
                                                   "bursts",
                                                   "bursts_total",
                                                   "burst_threshold_bytes",
                                                   "burst_histograms",
                                                   "pod",
                                                   "at_limit",
                                                   "oom_kills_forgotten",
                                                   "thinned_moves"});
  CHECK(keys_of(memcg["bursts"][0]) == std::vector<std::string>{"top_ns",
                                                                "top_utc",
                                                                "top_bytes",
                                                                "floor_ns",
                                                                "floor_bytes",
                                                                "height_bytes",
                                                                "prominence_bytes",
                                                                "rise_begin_ns",
                                                                "rise_begin_bytes",
                                                                "rise_end_ns",
                                                                "rise_end_bytes",
                                                                "rise_ns",
                                                                "slope_bytes_per_second",
                                                                "half_begin_ns",
                                                                "duration_ns",
                                                                "high_begin_ns",
                                                                "crest_ns",
                                                                "end_ns",
                                                                "headroom_bytes",
                                                                "outcome",
                                                                "is_level",
                                                                "culprits",
                                                                "other_pages",
                                                                "unattributed_pages",
                                                                "refused_charges",
                                                                "throttled_charges",
                                                                "stalls",
                                                                "composition",
                                                                "composition_shift",
                                                                "allocated",
                                                                "headroom_to"});
  CHECK(keys_of(memcg["burst_histograms"]) ==
        std::vector<std::string>{"height_bytes", "rise_ns", "slope_bytes_per_second", "duration_ns",
                                 "headroom_bytes", "interval_ns"});
  CHECK(starts_with(keys_of(memcg["usage"]),
                    {"first_bytes", "last_bytes", "min_bytes", "peak_bytes", "peak_ns"}));
  CHECK(keys_of(memcg["spikes"][0]) ==
        std::vector<std::string>{"peak_ns",         "peak_utc",          "peak_bytes",   "prominence_bytes",
                                 "width_ns",        "rise_ns",           "left_base_ns", "right_base_ns",
                                 "headroom_bytes",  "outcome",           "crest_ns",     "crest_rise_ns",
                                 "chances",         "culprits",          "other_pages",  "unattributed_pages",
                                 "refused_charges", "throttled_charges", "stalls",       "composition",
                                 "allocated"});
  CHECK(keys_of(memcg["spikes"][0]["culprits"][0]) ==
        std::vector<std::string>{"pid", "tid", "comm", "cmdline", "container", "cgroup", "pages"});
  CHECK(keys_of(memcg["histograms"]) == std::vector<std::string>{"prominence_bytes", "width_ns", "rise_ns",
                                                                 "headroom_bytes", "interval_ns",
                                                                 "alloc_order"});
  CHECK(keys_of(memcg["histograms"]["width_ns"]) ==
        std::vector<std::string>{"count", "min", "max", "p50", "p90", "p99", "buckets"});
  CHECK(starts_with(keys_of(memcg["oom_kills"][0]),
                    {"time_ns", "time_utc", "pid", "comm", "usage_bytes", "limit_bytes", "anon_rss_bytes",
                     "file_rss_bytes", "shmem_rss_bytes", "oom_score_adj"}));
  CHECK(keys_of(memcg["oom_kills"][0]["last_second"]) ==
        std::vector<std::string>{"cgroup", "window_ns", "limit_bytes", "slope_bytes_per_second",
                                 "baseline_ns", "baseline_bytes", "baseline_to_limit_ns", "timeline",
                                 "crest_ns", "crest_bytes"});
  CHECK(memcg["oom_kills"][0]["last_second"]["timeline"][0] == Json::array({86'407'000'401'004, 39'976'960}));
  CHECK(Json::parse(render_json(golden::crowd()))["memcgs"][0]["oom_kills"][0]["last_second"].is_null());
  CHECK(starts_with(keys_of(memcg["allocations"]), {"pages", "by_order", "by_process"}));
  CHECK(memcg["timeline"][1] == Json::array({86'400'000'040'123, 262'144}));
  CHECK(json["memcgs"][0]["limit_bytes"].is_null());
  CHECK(json["memcgs"][0]["container"].is_null());
  CHECK(json["memcgs"][0]["spikes"][0]["headroom_bytes"].is_null());
  CHECK(json["memcgs"][1]["container"]["name"].is_null());
  CHECK(json["memcgs"][1]["histograms"]["width_ns"]["p99"].is_null());
  CHECK(memcg["oom_kills"][0]["oom_score_adj"] == 969);
  CHECK(only_integers(json));
  CHECK_FALSE(Json::parse(render_json(golden::oom_story()))["memcgs"][2].contains("timeline"));
}

TEST_CASE("stacks are in the JSON when they were asked for, after all else") {
  const Json json = Json::parse(render_json(golden::stacks()));
  CHECK(keys_of(json) == std::vector<std::string>{"schema_version", "session", "target", "memcgs", "events",
                                                  "lost", "self", "notes", "subjects", "stacks",
                                                  "stack_pages"});
  CHECK(keys_of(json["stacks"][0]) == std::vector<std::string>{"pages", "samples", "pid", "comm", "container",
                                                               "cgroup", "pod", "way_in", "kernel", "user",
                                                               "cut_short"});
  CHECK(json["stacks"][0]["user"][3] == "[libc.so.6+0x2724a]");
  CHECK(json["stacks"][4]["container"].is_null());
  CHECK(keys_of(json["stack_pages"]) ==
        std::vector<std::string>{"total", "overflow", "with_user_stack", "cut_short"});
  CHECK(only_integers(json));
}

TEST_CASE("hostile names survive JSON, without a control or an invalid byte in the document") {
  const std::string text = render_json(golden::hostile());
  CHECK(std::none_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\n'; }));
  for (std::string_view rest = text; !rest.empty();) {
    const CodePoint point = first_code_point(rest);
    REQUIRE(point.valid);
    rest.remove_prefix(point.length);
  }
  const Json json = Json::parse(text);
  std::string expected = golden::kHostileName;
  expected.replace(expected.find('\xff'), 3, "\xef\xbf\xbd\xef\xbf\xbd");
  CHECK(json["memcgs"][0]["oom_kills"][0]["comm"] == expected);
  CHECK(json["target"]["pod"] == expected);
}

TEST_CASE("a full disk ends the JSON with its error") {
  std::size_t calls = 0;
  const auto written = render_json(golden::oom_story(), [&](std::string_view) -> Result<void> {
    ++calls;
    return fail(ErrorKind::failed, "no space left");
  });
  REQUIRE_FALSE(written);
  CHECK(written.error().message == "no space left");
  CHECK(calls == 1);
}

TEST_CASE("a long timeline is streamed in pieces") {
  Report report = golden::oom_story_with_timeline();
  for (std::uint64_t i = 0; i < 100'000; ++i) report.memcgs[2].timeline.emplace_back(i, i);
  std::size_t largest = 0;
  std::string text;
  CHECK(render_json(report, [&](std::string_view chunk) -> Result<void> {
    largest = std::max(largest, chunk.size());
    text += chunk;
    return {};
  }));
  CHECK(largest < 128 << 10);
  CHECK(text == render_json(report));
  CHECK(Json::parse(text)["memcgs"][2]["timeline"].size() == 100'005);
}

TEST_CASE("reports as metrics") {
  check_golden("oom_story.prom", render_openmetrics(golden::oom_story()));
  check_golden("absent.prom", render_openmetrics(golden::absent()));
  check_golden("hostile.prom", render_openmetrics(golden::hostile()));
  check_golden("losses.prom", render_openmetrics(golden::losses()));
  check_golden("crowd.prom", render_openmetrics(golden::crowd()));
}

TEST_CASE("the timeline as CSV") { check_golden("timeline.csv", timeline_csv()); }
