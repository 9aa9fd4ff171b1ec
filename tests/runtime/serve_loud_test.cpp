// One container that moves too often is thinned out, and nobody else loses anything for it.
#include <csignal>

#include "service.h"

using namespace memspike::test;

namespace {

constexpr int kBursts = 3;

struct Pod {
  Pod(const Node& node, const std::string& name, int number, std::uint64_t limit_bytes)
      : uid(unique_uid()), cgroup("/kubepods/burstable/pod" + uid) {
    node.name_container(uid, name, "app", id_of(number));
    container.emplace(cgroup.path() + "/" + id_of(number), limit_bytes);
  }
  std::string uid;
  Cgroup cgroup;
  std::optional<Cgroup> container;
};

}  // namespace

TEST_CASE("one container that moves too often is thinned out, and nobody else loses a move",
          "[serve][host]") {
  const Node node;
  const Pod loud(node, "loud", 1, 256U << 20);
  const Pod quiet(node, "quiet", 2, 64U << 20);
  // Pages are watched on every kernel. A storm of two threads moves some 8,000 times a second here.
  Service service(node, {"--detail", "pages", "--moves-per-second", "1000"});
  Process storm(workload(*loud.container, {"storm", "8", "--region", "64M", "--threads", "2"}));
  storm.wait_for_out("ready");
  storm.send_line();
  std::this_thread::sleep_for(std::chrono::seconds(1));
  // The reader is away: the loud one alone would fill the ring buffer meanwhile.
  service.process().signal(SIGSTOP);
  std::this_thread::sleep_for(std::chrono::seconds(3));
  REQUIRE(run_workload(*quiet.container,
                       {"anon", "12M", "--repeat", std::to_string(kBursts), "--hold", "50"}) == 0);
  std::this_thread::sleep_for(std::chrono::seconds(1));
  service.process().signal(SIGCONT);
  REQUIRE(storm.wait() == 0);

  // Others may be on this node meanwhile.
  Json status;
  const auto thinned_of = [&](const std::string& name) -> std::uint64_t {
    for (const Json& each : status.at("thinned")) {
      if (each.at("container") == name) return counter(each, "moves");
    }
    return 0;
  };
  CHECK(within(std::chrono::seconds(5), [&] {
    status = service.ask_json({"status"});
    return thinned_of("shop/loud/app") > 100;
  }));
  INFO(status.dump(1));
  for (const char* cause : {"ring_buffer_full", "memcg_event_ring_buffer_full"})
    CHECK(counter(status.at("lost"), cause) == 0);
  CHECK(counter(status, "thinned_moves") > 100);
  CHECK(thinned_of("shop/quiet/app") == 0);
  CHECK(service.ask({"status"}).find("too many to be told one by one") != std::string::npos);
  const std::string metrics = scrape(service.socket());
  CHECK(sum_of(metrics, "memspike_container_thinned_moves_total{namespace=\"shop\",pod=\"loud\"") > 100);
  CHECK(metrics.find("memspike_container_thinned_moves_total{namespace=\"shop\",pod=\"quiet\"") ==
        std::string::npos);

  const Json of_loud =
      memcg_of(Json::parse(service.ask({"last", "loud", "-f", "json"})), loud.container->path());
  CHECK(counter(of_loud, "thinned_moves") > 100);
  CHECK(sum_of(metrics, "memspike_container_life_peak_bytes{namespace=\"shop\",pod=\"loud\"") ==
        loud.container->kernel_peak());
  CHECK(service.ask({"last", "loud"}).find("too many to be told one by one") != std::string::npos);
  const Json of_quiet =
      memcg_of(Json::parse(service.ask({"last", "quiet", "-f", "json"})), quiet.container->path());
  CHECK(counter(of_quiet, "thinned_moves") == 0);
  CHECK(counter(of_quiet.at("usage"), "peak_bytes") == quiet.container->kernel_peak());
  CHECK(of_quiet.at("bursts").size() == kBursts);
  CHECK(service.stop() == 0);
}
