// What `memspike list` prints.
#include <catch2/catch.hpp>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>

#include "base/utf8.h"
#include "views/node/inventory.h"

namespace memspike::views {
namespace {

constexpr const char* kUid = "3f2a1b4c-0001-4000-8000-00000000aaaa";
constexpr const char* kTwin = "3f2a1b4c-0002-4000-8000-00000000bbbb";  // differs in the 13th character

TextStyle wide() { return {false, true, std::numeric_limits<unsigned>::max()}; }
TextStyle narrow(unsigned columns) { return {false, true, columns}; }

cgroup::ContainerEntry container(std::string id, std::optional<std::string> name, cgroup::Role role) {
  cgroup::ContainerEntry entry;
  entry.path = "/kubepods/pod1/" + id;
  entry.info = {std::move(id), std::move(name), role};
  return entry;
}

cgroup::PodEntry shop_pod() {
  cgroup::PodEntry pod;
  pod.namespace_name = "shop";
  pod.pod = "checkout";
  pod.uid = kUid;
  pod.qos = "burstable";
  pod.path = "/kubepods/pod1";
  pod.limit_bytes = 200 << 20;
  pod.usage_bytes = 38 << 20;
  pod.containers.push_back(container("00000000000000aa", std::nullopt, cgroup::Role::sandbox));
  cgroup::ContainerEntry app = container("8c1f8c1f8c1f8c1f", "app", cgroup::Role::container);
  app.limit_bytes = 50 << 20;
  app.usage_bytes = 37 << 20;
  app.kernel_peak = cgroup::KernelPeak{50 << 20, cgroup::kMemoryPeak};
  pod.containers.push_back(app);
  return pod;
}

cgroup::PodEntry nameless_pod() {
  cgroup::PodEntry pod;
  pod.uid = kTwin;
  pod.path = "/kubepods/pod2";
  return pod;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("list: every row is complete, containers by name, the sandbox last") {
  CHECK(render_inventory_text({shop_pod()}, wide()) ==
        "NAMESPACE  POD       UID                                   QOS        CONTAINER  ID                "
        "LIMIT     "
        "USAGE      PEAK  CGROUP\n"
        "shop       checkout  3f2a1b4c-0001-4000-8000-00000000aaaa  burstable  (pod)                    "
        "200.0 MiB  "
        "38.0 MiB         –  /kubepods/pod1\n"
        "shop       checkout  3f2a1b4c-0001-4000-8000-00000000aaaa  burstable  app        8c1f8c1f8c1f   "
        "50.0 MiB  "
        "37.0 MiB  50.0 MiB  /kubepods/pod1/8c1f8c1f8c1f8c1f\n"
        "shop       checkout  3f2a1b4c-0001-4000-8000-00000000aaaa  burstable  (sandbox)  000000000000       "
        "   –     "
        "    –         –  /kubepods/pod1/00000000000000aa\n");
}

TEST_CASE("list: containers that are in no pod come last, with nothing in place of a pod") {
  cgroup::ContainerEntry web;
  web.info = {"9b1f0d5c4e7a8321", "shop_web_1", cgroup::Role::container};
  web.limit_bytes = 48U << 20;
  web.path = "/docker/9b1f0d5c4e7a8321";
  const std::string text = render_inventory_text({shop_pod()}, wide(), {}, {web});
  CHECK(contains(text, "\n–          –         –   "));
  CHECK(text.find("shop_web_1") > text.find("(sandbox)"));
  CHECK(contains(text.substr(text.find("shop_web_1")), "9b1f0d5c4e7a  "));
  CHECK(contains(render_inventory_text({}, wide(), {}, {web}), "shop_web_1"));
  const auto json = nlohmann::json::parse(render_inventory_json(cgroup::Mode::v2, {}, {}, {web}));
  REQUIRE(json.at("containers").size() == 1);
  CHECK(json["containers"][0]["name"] == "shop_web_1");
  CHECK(json["containers"][0]["limit_bytes"] == 48U << 20);
}

TEST_CASE("list: no pods, no output") { CHECK(render_inventory_text({}, wide()).empty()); }

TEST_CASE("list: on a narrow terminal UIDs are unique beginnings") {
  const std::string text = render_inventory_text({shop_pod(), nameless_pod()}, narrow(100));
  CHECK(contains(text, " 3f2a1b4c-0001 "));
  CHECK(contains(text, " 3f2a1b4c-0002 "));
  CHECK_FALSE(contains(text, "3f2a1b4c-0001-"));
  CHECK(contains(render_inventory_text({shop_pod()}, narrow(100)), " 3f2a1b4c "));
}

TEST_CASE("list: lines stay within the terminal") {
  const unsigned columns = GENERATE(72U, 80U, 100U, 140U, 200U);
  std::string text = render_inventory_text({shop_pod(), nameless_pod()}, narrow(columns));
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
    CHECK(display_width(text.substr(0, end)) <= columns);
    text.erase(0, end + 1);
  }
}

TEST_CASE("list: columns are left out before names are cut") {
  cgroup::PodEntry pod = shop_pod();
  pod.pod = "checkout-7d9f8b6c5d-x2k4j";
  CHECK(contains(render_inventory_text({pod}, narrow(80)), " checkout-7d9f8b6c5d-x2k4j "));
  pod.pod = std::string(60, 'x');
  CHECK(contains(render_inventory_text({pod}, narrow(80)), "xxx…xxx"));
}

TEST_CASE("list: the UID stays where a pod has no other name") {
  CHECK_FALSE(contains(render_inventory_text({shop_pod()}, narrow(55)), "3f2a1b4c"));
  CHECK(contains(render_inventory_text({shop_pod(), nameless_pod()}, narrow(55)), " 3f2a1b4c-0002 "));
}

TEST_CASE("list: a peak at the limit is alarming, one near it a warning") {
  cgroup::PodEntry pod = shop_pod();
  TextStyle style = wide();
  style.color = true;
  CHECK(contains(render_inventory_text({pod}, style), "\x1b[1;31m50.0 MiB"));
  pod.containers[1].kernel_peak->bytes = 46 << 20;
  CHECK(contains(render_inventory_text({pod}, style), "\x1b[33m46.0 MiB"));
  pod.containers[1].kernel_peak->bytes = 40 << 20;
  CHECK_FALSE(contains(render_inventory_text({pod}, style), "m40.0 MiB"));
}

TEST_CASE("list: a container without a pod's cgroup has its row") {
  cgroup::PodEntry pod = shop_pod();
  pod.path.reset();
  const std::string text = render_inventory_text({pod}, wide());
  CHECK_FALSE(contains(text, "(pod)"));
  CHECK(contains(text, " app "));
}

TEST_CASE("list: hostile names break neither the terminal nor the document") {
  cgroup::PodEntry pod = shop_pod();
  pod.path = "/kubepods/\x1b[2J\n\xff";
  const std::string text = render_inventory_text({pod}, wide());
  CHECK_FALSE(contains(text, "\x1b"));
  CHECK(contains(text, "/kubepods/\\x1b[2J\\x0a\\xff"));
  const auto json = nlohmann::json::parse(render_inventory_json(cgroup::Mode::v2, {pod}));
  CHECK(json["pods"][0]["cgroup"] == "/kubepods/\x1b[2J\n\xef\xbf\xbd");
}

TEST_CASE("list: the JSON contract") {
  const auto json = nlohmann::ordered_json::parse(render_inventory_json(cgroup::Mode::hybrid, {shop_pod()}));
  CHECK(json["schema_version"] == 1);
  CHECK(json["cgroup_mode"] == "hybrid");
  const auto& pod = json["pods"][0];
  CHECK(pod["namespace"] == "shop");
  CHECK(pod["name"] == "checkout");
  CHECK(pod["uid"] == kUid);
  CHECK(pod["qos"] == "burstable");
  CHECK(pod["limit_bytes"] == 209715200);
  CHECK(pod["kernel_peak_bytes"].is_null());
  CHECK(pod["kernel_peak_source"].is_null());
  CHECK(pod["containers"][0]["role"] == "sandbox");
  CHECK(pod["containers"][0]["name"].is_null());
  CHECK(pod["containers"][0]["limit_bytes"].is_null());
  CHECK(
      pod["containers"][1].dump() ==
      R"({"name":"app","id":"8c1f8c1f8c1f8c1f","role":"container","cgroup":"/kubepods/pod1/8c1f8c1f8c1f8c1f",)"
      R"("limit_bytes":52428800,"usage_bytes":38797312,"kernel_peak_bytes":52428800,)"
      R"("kernel_peak_source":"memory.peak"})");
  CHECK(nlohmann::json::parse(render_inventory_json(cgroup::Mode::v1, {}))["pods"].empty());
}

TEST_CASE("list: where a service runs, its bursts and kills are shown") {
  const WatchedByPath watched{{"/kubepods/pod1/8c1f8c1f8c1f8c1f", {50 << 20, 1234, 3}}};
  const std::string text = render_inventory_text({shop_pod()}, wide(), watched);
  CHECK(contains(text, "BURSTS/H  KILLS"));
  CHECK(contains(text, "1,234"));
  CHECK_FALSE(contains(render_inventory_text({shop_pod()}, wide()), "KILLS"));
  const auto json = nlohmann::json::parse(render_inventory_json(cgroup::Mode::v2, {shop_pod()}, watched));
  const auto& containers = json.at("pods")[0].at("containers");
  CHECK(containers[1].at("watched").at("kills") == 3);
  CHECK_FALSE(containers[0].contains("watched"));
}

}  // namespace memspike::views
