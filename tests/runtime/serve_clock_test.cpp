// A clock that is set while a service runs.
#include <chrono>
#include <set>
#include <thread>

#include "service.h"
#include "set_clock.h"

using namespace memspike::test;

TEST_CASE("a clock that is set while a service runs costs it nothing, and is told in one line",
          "[vm][serve]") {
  if (!in_guest()) FAIL("it sets the clock: for virtual machines only");
  const Node node;
  const std::string uid = unique_uid();
  node.name_container(uid, "checkout-0", "app", id_of(1));
  Service service(node);
  const Cgroup pod("/kubepods/burstable/pod" + uid);
  const Cgroup app(pod.path() + "/" + id_of(1), 24U << 20);
  const auto die_once = [&](std::uint64_t dossiers) {
    kill_one_in(app);
    CHECK(within(std::chrono::seconds(30),
                 [&] { return count_entries(service.dossiers(), false) == dossiers; }));
  };
  die_once(1);
  {
    const SetClock ahead(3'600);
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    die_once(2);
    // By the clock as it is: the first kill was an hour ago.
    CHECK(service.ask_json({"kills", "--since", "10m"}).at("kills").size() == 1);
    CHECK(service.ask_json({"kills", "--since", "2h"}).at("kills").size() == 2);
    CHECK(service.ask({"why", "checkout"}).find("OOM-killed") != std::string::npos);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  die_once(3);
  const Json kills = service.ask_json({"kills"}).at("kills");
  REQUIRE(kills.size() == 3);
  std::set<std::string> names;
  for (const Json& kill : kills) names.insert(kill.at("dossier").get<std::string>());
  CHECK(names.size() == 3);
  // The last one is the last one that happened, whatever the clock said of the one before.
  CHECK(service.ask_json({"why", "checkout"}).at("kill").at("dossier") == kills[2].at("dossier"));
  CHECK(service.ask({"last", "checkout-0"}).find("app") != std::string::npos);
  const std::string log = service.process().err();
  CHECK(log.find("the clock was set forward by 1h00m") != std::string::npos);
  CHECK(log.find("the clock was set back by 1h00m") != std::string::npos);
  CHECK(service.stop() == 0);
}
