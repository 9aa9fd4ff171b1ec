// Which pod something belongs to, and what it is called: in every format, and whoever recorded it.
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "lives_events.h"
#include "views/json/json.h"
#include "views/metrics/openmetrics.h"
#include "views/text/text.h"

using namespace memspike;
using namespace memspike::events;

namespace {

constexpr views::TextStyle kStyle{false, true, 300};
const std::string kUid = "655aed01-c7d1-4e5f-8a6b-9c0d1e2f3a4b";
const std::string kOtherUid = "77788899-c7d1-4e5f-8a6b-9c0d1e2f3a4b";
const std::string kPods = "/kubepods/burstable";
const std::string kPod = kPods + "/pod" + kUid;
const std::string kOtherPod = kPods + "/pod" + kOtherUid;

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// What the node told of each path.
facts::Description describe(const std::string& path) {
  facts::Description known;
  const bool is_other = path.find(kOtherUid) != std::string::npos;
  if (path == kPods) return known;
  known.pod = is_other ? facts::PodId{kOtherUid, "data", "pg-1", "burstable"}
                       : facts::PodId{kUid, "shop", "checkout", "burstable"};
  known.role = facts::Role::pod;
  if (path == kPod || path == kOtherPod) return known;
  known.role = facts::Role::container;
  const std::string id = path.substr(path.rfind('/') + 1);
  known.container = facts::Container{id, id == "aaaa" ? "app" : "sidecar"};
  return known;
}

// A pod with a container that rises to `limit_bytes` and is killed by the pod's limit.
void kill_in_pod(Recording& recording, std::uint32_t pod_slot, std::uint64_t limit_bytes) {
  const auto move_to = [&](std::uint64_t time_ns, std::uint64_t usage_bytes) {
    recording.apply(sample(time_ns, {level(pod_slot + 1, usage_bytes, limit_bytes),
                                     level(pod_slot, usage_bytes + kMiB, limit_bytes)}));
  };
  move_to(100, kMiB);
  move_to(200, limit_bytes - kMiB);
  decode::OomKill kill = oom_kill(
      210, {level(pod_slot + 1, limit_bytes - kMiB, limit_bytes), level(pod_slot, limit_bytes, limit_bytes)});
  kill.origin = decode::OomKill::Origin{std::uint64_t{200} + pod_slot, 0, 0};
  recording.apply(kill);
  move_to(300, kMiB);
}

Recording recording_of(std::vector<std::string> containers) {
  Recording recording({{}, false, true, {}, std::move(containers)}, describe);
  recording.name_cgroup(10, kPod);
  recording.apply(root_born(200, 0, 10));
  recording.apply(child_born(201, 1, 0, "aaaa"));
  kill_in_pod(recording, 0, 64 * kMiB);
  recording.close(1'000);
  return recording;
}

}  // namespace

TEST_CASE("the pod whose limit killed is named, though only its container is reported on") {
  const report::Report report = recording_of({"app"}).take();
  REQUIRE(report.memcgs.size() == 1);
  const std::string text = views::render_text(report, kStyle);
  CHECK(has(text, "by the limit of pod shop/checkout, which is its containers' sum: "));
  CHECK_FALSE(has(text, "cgroup /kubepods"));
}

TEST_CASE("a pod's limit that is no sum is not called one") {
  Recording recording({}, describe);
  recording.name_cgroup(10, kPod);
  recording.apply(root_born(200, 0, 10));
  recording.apply(child_born(201, 1, 0, "aaaa"));
  recording.apply(child_born(202, 2, 0, "bbbb"));
  recording.apply(sample(90, {level(2, kMiB), level(0, kMiB, 64 * kMiB)}));  // without a limit of its own
  kill_in_pod(recording, 0, 64 * kMiB);
  recording.close(1'000);
  CHECK_FALSE(has(views::render_text(recording.take(), kStyle), "sum"));
}

TEST_CASE("a recording of many pods names each of them") {
  Recording recording({}, describe);
  recording.name_cgroup(9, kPods);
  recording.apply(root_born(199, 0, 9));
  for (const std::uint32_t slot : {1U, 3U}) {
    recording.apply(child_born(200 + slot, slot, 0, "pod" + (slot == 1 ? kUid : kOtherUid)));
    recording.apply(child_born(201 + slot, slot + 1, slot, "aaaa"));
    kill_in_pod(recording, slot, 64 * kMiB);
  }
  recording.close(1'000);
  const report::Report report = recording.take();
  const std::string text = views::render_text(report, kStyle);
  CHECK(has(text, "container app of pod shop/checkout was OOM-killed"));
  CHECK(has(text, "container app of pod data/pg-1 was OOM-killed"));
  const auto json = nlohmann::json::parse(views::render_json(report));
  std::set<std::string> pods;
  for (const auto& memcg : json.at("memcgs")) {
    if (memcg.at("path") == kPods) {
      CHECK(memcg.at("pod").is_null());
      continue;
    }
    CHECK(memcg.at("pod").at("qos") == "burstable");
    pods.insert(memcg.at("pod").at("namespace").get<std::string>() + "/" +
                memcg.at("pod").at("name").get<std::string>() + " " +
                memcg.at("pod").at("uid").get<std::string>());
  }
  CHECK(pods == std::set<std::string>{"shop/checkout " + kUid, "data/pg-1 " + kOtherUid});
  CHECK(json.at("subjects").back().at("pod").at("name") == "pg-1");
  const std::string metrics = views::render_openmetrics(report);
  CHECK(has(metrics, R"(namespace="data",pod="pg-1",container="app")"));
  CHECK(has(metrics, R"(namespace="shop",pod="checkout",container="app")"));
}

TEST_CASE("names that come late count for the whole recording") {
  Recording recording({}, [](const std::string& path) {
    facts::Description nameless = describe(path);
    nameless.pod->name.reset();
    nameless.pod->namespace_name.reset();
    return nameless;
  });
  recording.name_cgroup(10, kPod);
  recording.apply(root_born(200, 0, 10));
  recording.apply(child_born(201, 1, 0, "aaaa"));
  kill_in_pod(recording, 0, 64 * kMiB);
  recording.apply(facts::Fact{facts::MemcgNamed{0, describe(kPod)}});
  recording.close(1'000);
  const report::Report report = recording.take();
  for (const report::Memcg& memcg : report.memcgs) CHECK(memcg.pod->name == "checkout");
}

TEST_CASE("an older recording knows the pods by their paths, and the target's by its name") {
  Recording recording({}, [](const std::string& path) {
    facts::Description old = describe(path);
    old.pod.reset();
    return old;
  });
  recording.name_cgroup(10, kPod);
  recording.apply(root_born(200, 0, 10));
  recording.apply(child_born(201, 1, 0, "aaaa"));
  kill_in_pod(recording, 0, 64 * kMiB);
  facts::SessionKnown session;
  session.target.pod_uid = kUid;
  session.target.namespace_name = "shop";
  session.target.pod = "checkout";
  recording.apply(facts::Fact{session});
  recording.close(1'000);
  const report::Report report = recording.take();
  for (const report::Memcg& memcg : report.memcgs) {
    REQUIRE(memcg.pod);
    CHECK(memcg.pod->uid == kUid);
    CHECK(memcg.pod->name == "checkout");
  }
}
