// Metrics: exact counts at the bounds, one line a series, names that cannot break out.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "views/metrics/metric_writer.h"
#include "views/metrics/openmetrics.h"

using namespace memspike;
using namespace memspike::facts;
using namespace memspike::report;
using namespace memspike::views;

namespace {

std::string written(const std::function<void(MetricWriter&)>& write) {
  std::string text;
  MetricWriter out([&](std::string_view chunk) -> Result<void> {
    text += chunk;
    return {};
  });
  write(out);
  CHECK(out.finish());
  return text;
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::size_t count_of(const std::string& text, std::string_view part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

Memcg memcg_at(std::string path, std::uint64_t peak_bytes) {
  Memcg m;
  m.path = std::move(path);
  m.role = Role::pod;
  m.usage.peak_bytes = peak_bytes;
  m.usage.last_bytes = peak_bytes / 2;
  m.spikes_total = 3;
  m.kernel_oom_kills = 1;
  m.histograms.prominence_bytes.record(5 << 20, 3);
  return m;
}

}  // namespace

TEST_CASE("a family is its head and its samples, and without samples it is nothing") {
  CHECK(written([](MetricWriter& out) {
          out.family({"a_bytes", MetricType::gauge, MetricUnit::bytes, "Help."});
          out.family({"b", MetricType::counter, MetricUnit::none, "More."});
          out.sample("x=\"1\"", 7);
          out.sample("", 18'446'744'073'709'551'615U);
          out.family({"c_seconds", MetricType::gauge, MetricUnit::seconds, "Time."});
          out.sample("", 1'500'000'001);
          out.sample("", 2'000'000'000);
          out.sample("", 0);
        }) ==
        "# HELP b_total More.\n# TYPE b_total counter\nb_total{x=\"1\"} 7\n"
        "b_total{} 18446744073709551615\n"
        "# HELP c_seconds Time.\n# TYPE c_seconds gauge\n# UNIT c_seconds seconds\n"
        "c_seconds{} 1.500000001\nc_seconds{} 2\nc_seconds{} 0\n# EOF\n");
}

TEST_CASE("a histogram's cumulative counts are exact at every bound, and none is lost") {
  std::mt19937_64 random(4711);
  const auto bounds = bounds_of_powers(4, 40, 3);
  for (int round = 0; round < 50; ++round) {
    histogram::Histogram histogram;
    std::vector<std::uint64_t> values;
    for (int i = 0; i < 500; ++i) {
      std::uint64_t value = random() >> (random() % 64);
      // Right at a bound, and on both sides of it.
      if (i % 5 == 0) value = bounds[random() % bounds.size()] + random() % 3 - 1;
      values.push_back(value);
      histogram.record(value);
    }
    const std::string text = written([&](MetricWriter& out) {
      out.family({"h_bytes", MetricType::histogram, MetricUnit::bytes, "H."});
      out.sample("a=\"b\"", histogram, bounds);
    });
    for (const std::uint64_t bound : bounds) {
      const auto below = std::count_if(values.begin(), values.end(), [&](auto v) { return v <= bound; });
      CHECK(has(text, "h_bytes_bucket{a=\"b\",le=\"" + std::to_string(bound) + ".0\"} " +
                          std::to_string(below) + "\n"));
    }
    CHECK(has(text, "h_bytes_bucket{a=\"b\",le=\"+Inf\"} 500\n"));
    CHECK(has(text, "h_bytes_count{a=\"b\"} 500\n"));
  }
}

TEST_CASE("a histogram of times is in seconds") {
  histogram::Histogram histogram;
  histogram.record(1023);
  histogram.record(1024, 2);
  const std::string text = written([&](MetricWriter& out) {
    out.family({"h_seconds", MetricType::histogram, MetricUnit::seconds, "H."});
    out.sample("", histogram, bounds_of_powers(10, 12, 2));
  });
  CHECK(has(text, "h_seconds_bucket{le=\"0.000001023\"} 1\nh_seconds_bucket{le=\"0.000004095\"} 3\n"));
  CHECK(has(text, "h_seconds_bucket{le=\"+Inf\"} 3\nh_seconds_sum{} 0.000003071\nh_seconds_count{} 3\n"));
}

TEST_CASE("labels cannot be broken out of") {
  Labels labels;
  labels.add("a", "quote\" back\\slash \\x2d new\nline");
  labels.add("b", "\x1b]0;x\x07\xff \xe2\x80\xae");
  CHECK(labels.text() ==
        R"(a="quote\" back\\slash \\x2d new\\x0aline",b="\\x1b]0;x\\x07\\xff \\xe2\\x80\\xae")");
}

TEST_CASE("two lives of one cgroup are one series") {
  Report report;
  report.memcgs = {memcg_at("/pod", 100), memcg_at("/other", 7), memcg_at("/pod", 60)};
  report.memcgs[2].kernel_oom_kills.reset();
  report.memcgs[2].limit_bytes = 4096;
  const std::string text = render_openmetrics(report);
  const auto sample = [](const std::string& name, const std::string& path, const std::string& value) {
    return name + R"({namespace="",pod="",container="",id="",role="pod",cgroup=")" + path + "\"} " + value +
           "\n";
  };
  CHECK(has(text, sample("memspike_usage_peak_bytes", "/pod", "100")));
  CHECK(has(text, sample("memspike_usage_bytes", "/pod", "30")));
  CHECK(has(text, sample("memspike_limit_bytes", "/pod", "4096")));
  CHECK_FALSE(has(text, sample("memspike_limit_bytes", "/other", "0")));
  CHECK(has(text, sample("memspike_spikes_total", "/pod", "6")));
  CHECK(has(text, sample("memspike_kernel_oom_kills_total", "/pod", "1")));
  CHECK(has(text, sample("memspike_spike_prominence_bytes_count", "/pod", "6")));
  CHECK(has(text, sample("memspike_spike_prominence_bytes_sum", "/pod", std::to_string(30U << 20))));
  CHECK(count_of(text, "memspike_usage_bytes{") == 2);
}

TEST_CASE("losses are exported by cause, zero or not, and the last kill with its time") {
  Report report;
  report.session.start_monotonic_ns = 1'000'000'000;
  report.session.start_realtime_ns = 1'700'000'001'000'000'000;
  report.lost = {{"ring_buffer_full", 12}, {"malformed_record", 0}};
  report.memcgs = {memcg_at("/pod", 100)};
  OomKill kill;
  kill.time_ns = 1'500'000'000;
  kill.last_second.emplace().baseline_to_limit_ns = 29'113'000;
  report.memcgs[0].oom_kills = {OomKill{}, kill};
  const std::string text = render_openmetrics(report);
  CHECK(
      has(text, R"(memspike_lost_records_total{namespace="",pod="",cgroup="",cause="ring_buffer_full"} 12)"));
  CHECK(
      has(text, R"(memspike_lost_records_total{namespace="",pod="",cgroup="",cause="malformed_record"} 0)"));
  CHECK(has(text, R"(cgroup="/pod"} 1700000001.5)"));
  CHECK(has(text, R"(cgroup="/pod"} 0.029113)"));
  CHECK(
      has(text,
          R"(memspike_oom_kills_total{namespace="",pod="",container="",id="",role="pod",cgroup="/pod"} 2)"));
}

TEST_CASE("a full disk ends the metrics with its error") {
  const auto result = render_openmetrics(
      Report{}, [](std::string_view) -> Result<void> { return fail(ErrorKind::failed, "no space left"); });
  REQUIRE_FALSE(result);
  CHECK(result.error().message == "no space left");
}
