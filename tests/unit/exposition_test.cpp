// What Prometheus reads of a service.
#include "serve/exposition.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

using namespace memspike;
using namespace memspike::serve;

namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string prometheus_text(const std::vector<Series>& series) {
  return render_metrics(series, Health(), 0, views::MetricText::prometheus);
}

}  // namespace

TEST_CASE("labels hold whatever containers are called, and both formats are asked for by name") {
  Series series;
  series.id = {"shop", "a\"b\\c\nd\x1b", "app"};
  series.living = 1;
  series.kills[0] = 3;
  series.burst_share.add(kShareBounds, 0.25);
  const Health health;
  const std::string text = render_metrics({series}, health, 0, views::MetricText::prometheus);
  CHECK(text.find("memspike_container_oom_kills_total{namespace=\"shop\",pod=\"a\\\"b\\\\c\\\\x0ad\\\\x1b\","
                  "container=\"app\",limit=\"own\"} 3\n") != std::string::npos);
  CHECK(text.find("# TYPE memspike_container_oom_kills_total counter\n") != std::string::npos);
  CHECK(text.find("le=\"0.3\"} 1\n") != std::string::npos);
  CHECK(text.find("le=\"0.2\"} 0\n") != std::string::npos);
  const std::string open = render_metrics({series}, health, 0, views::MetricText::openmetrics);
  CHECK(open.find("# TYPE memspike_container_oom_kills counter\n") != std::string::npos);
  CHECK(open.substr(open.size() - 6) == "# EOF\n");
  CHECK(accepted_text("application/openmetrics-text;version=1.0.0,text/plain;q=0.5") ==
        views::MetricText::openmetrics);
  CHECK(accepted_text("text/plain") == views::MetricText::prometheus);
}

TEST_CASE("what has ended tells what it has counted, and no zeros") {
  Series ended;
  ended.id = {"shop", "brief", "app"};
  ended.kills[static_cast<std::size_t>(KilledBy::own)] = 1;
  ended.stalled_ns = 1'500'000'000;
  Series living;
  living.id = {"shop", "calm", "app"};
  living.living = 1;
  const std::string text = prometheus_text({ended, living});
  const std::string brief = "{namespace=\"shop\",pod=\"brief\",container=\"app\"";
  CHECK(has(text, "memspike_container_oom_kills_total" + brief + ",limit=\"own\"} 1\n"));
  CHECK(has(text, "memspike_container_stalled_seconds_total" + brief + "} 1.5\n"));
  CHECK_FALSE(has(text, "memspike_container_oom_kills_total" + brief + ",limit=\"pod\"}"));
  CHECK_FALSE(has(text, "memspike_container_stalls_total" + brief));
  CHECK_FALSE(has(text, "memspike_container_scrape_peak_bytes" + brief));
  const std::string calm = "{namespace=\"shop\",pod=\"calm\",container=\"app\"";
  CHECK(has(text, "memspike_container_oom_kills_total" + calm + ",limit=\"own\"} 0\n"));
  CHECK(has(text, "memspike_container_stalls_total" + calm + "} 0\n"));
}
