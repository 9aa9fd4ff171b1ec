// The node service: a kill, its dossier, and the answers, for real.
#include <signal.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <random>
#include <thread>

#include "service.h"

using namespace memspike::test;

TEST_CASE("a service keeps a dossier of a kill, and tells why when the pod is gone", "[serve]") {
  const Node node;
  const std::string uid = unique_uid();
  node.name_container(uid, "checkout-0", "app", id_of(1));
  Service service(node);
  {
    const Cgroup pod("/kubepods/burstable/pod" + uid);
    CHECK(die(pod.path(), id_of(1), 24U << 20) == 1);
  }
  REQUIRE(within(std::chrono::seconds(in_guest() ? 20 : 2),
                 [&] { return count_entries(service.dossiers(), false) == 1; }));
  const fs::path dossier = fs::directory_iterator(service.dossiers())->path();
  CHECK(dossier.filename().string().find("-shop-checkout-0-app") != std::string::npos);
  const Json report = parse_report(read_file(dossier / "report.json"));
  const Json memcg = memcg_of(report, "/kubepods/burstable/pod" + uid + "/" + id_of(1));
  REQUIRE(memcg.at("oom_kills").size() == 1);
  CHECK(counter(memcg, "limit_bytes") == 24U << 20);
  CHECK(memcg.at("usage").at("peak_bytes") == memcg.at("kernel_peak_bytes"));
  CHECK(memcg_of(report, "/kubepods/burstable/pod" + uid).at("role") == "pod");

  if (!in_guest()) {  // where there is no curl
    const std::string page = scrape(service.socket(), "/");
    CHECK(page.find("shop/checkout-0/app") != std::string::npos);
    CHECK(page.find("/v1/report?dossier=" + dossier.filename().string()) != std::string::npos);
    const std::string html = scrape(service.socket(), "/v1/report?dossier=" + dossier.filename().string());
    CHECK(html.find("OOM-killed") != std::string::npos);
  }
  const std::string why = service.ask({"why", "checkout"});
  CHECK(why.find("OOM-killed") != std::string::npos);
  CHECK(why.find("container app") != std::string::npos);
  CHECK(service.ask({"why", "nobody-0"}, 3).empty());
  const Json kills = service.ask_json({"kills", "shop/checkout-0"}).at("kills");
  REQUIRE(kills.size() == 1);
  CHECK(kills[0].at("by") == "own");
  CHECK(kills[0].at("dossier") == dossier.filename().string());
  CHECK(service.stop() == 0);
}

// Its dossier is in the making for the time after the kill, then on its way to the disk: nobody has to wait.
// How often that is seen here is up to the machine.
TEST_CASE("who asks why at any moment after a kill gets an answer", "[serve][host]") {
  const Node node;
  const std::string uid = unique_uid();
  node.name_container(uid, "checkout-0", "app", id_of(1));
  Service service(node);
  const Cgroup pod("/kubepods/burstable/pod" + uid);
  CHECK(die(pod.path(), id_of(1), 24U << 20) == 1);
  REQUIRE(within(std::chrono::seconds(5), [&] { return service.known_kills() == 1; }));
  const auto asked_enough = [&] {
    const Json answer = service.ask_json({"why", "checkout"});
    CHECK(answer.at("text").get<std::string>().find("OOM-killed") != std::string::npos);
    return answer.contains("dossier");
  };
  CHECK(within(std::chrono::seconds(10), asked_enough));
  // Where its dossier is gone the kill is still told of.
  fs::remove_all(service.dossiers());
  const std::string text = service.ask({"why", "checkout"});
  CHECK(text.find("shop/checkout-0/app was OOM-killed by its own limit at ") == 0);
  CHECK(service.ask_json({"why", "checkout"}).at("note") ==
        "there is no dossier of it: its dossier has made room for later ones");
}

TEST_CASE("what the service tells of a container is what the kernel counted", "[serve][host]") {
  const Node node;
  const std::string uid = unique_uid();
  constexpr int kLives = 5;
  for (int life = 1; life <= kLives; ++life) node.name_container(uid, "checkout-0", "app", id_of(life));
  Service service(node, {"--metrics", "127.0.0.1:19779"});
  const Cgroup pod("/kubepods/burstable/pod" + uid);
  std::uint64_t kernel = 0;
  for (int life = 1; life < kLives; ++life) kernel += die(pod.path(), id_of(life), 12U << 20);
  const Cgroup living(pod.path() + "/" + id_of(kLives), 64U << 20);
  REQUIRE(run_workload(living, {"anon", "40M"}) == 0);
  const std::string labels = "{namespace=\"shop\",pod=\"checkout-0\",container=\"app\"";
  std::string text;
  REQUIRE(within(std::chrono::seconds(5), [&] {
    text = scrape(service.socket());
    return sum_of(text, "memspike_container_oom_kills_total" + labels) == kernel;
  }));
  CHECK(kernel == kLives - 1);
  // To the byte, though nobody looked while it was there; and the second time it is over.
  CHECK(sum_of(text, "memspike_container_life_peak_bytes" + labels) == living.kernel_peak());
  CHECK(sum_of(scrape(service.socket(), "?scraper=other"), "memspike_container_scrape_peak_bytes" + labels) >=
        40U << 20);
  CHECK(sum_of(scrape(service.socket()), "memspike_container_scrape_peak_bytes" + labels) < 40U << 20);
  CHECK(text.find(id_of(1)) == std::string::npos);
  CHECK(text.find(uid) == std::string::npos);

  const TempDir dir;
  write_file(dir / "metrics", text);
  Process lint({{"/bin/sh", "-c", "promtool check metrics <" + (dir / "metrics").string()}, nullptr, {}});
  INFO(lint.out() << lint.err());
  CHECK(lint.wait() == 0);
  CHECK(lint.err().empty());
  CHECK(scrape(service.socket(), "application/openmetrics-text").find("\n# EOF\n") != std::string::npos);

  // Its last minute, through any format, while it lives.
  const Json last = parse_report(service.ask({"last", "checkout-0", "--for", "30s", "-f", "json"}));
  CHECK(counter(memcg_of(last, living.path()).at("usage"), "peak_bytes") == living.kernel_peak());
  CHECK(service.ask({"last", "checkout-0", "-f", "html"}).find("</html>") != std::string::npos);
  const Json status = service.ask_json({"status"});
  CHECK(counter(status, "kills") == kernel);
  CHECK(counter(status, "write_failures") == 0);
}

TEST_CASE("a service that is killed at any moment leaves no half dossier, and catches up", "[serve][host]") {
  const Node node;
  const std::string uid = unique_uid();
  const Cgroup pod("/kubepods/burstable/pod" + uid);
  const std::string id = id_of(7);
  node.name_container(uid, "checkout-0", "app", id);
  Service service(node);
  const Cgroup container(pod.path() + "/" + id, 8U << 20);
  std::mt19937 random(20'261'130);
  // By hand a test may be made longer.
  const char* asked = std::getenv("MEMSPIKE_SERVICE_DEATHS");
  const int rounds = asked != nullptr ? std::stoi(asked) : 3;
  for (int round = 0; round < rounds; ++round) {
    // Some while it runs, and one while it does not.
    for (int kill = 0; kill < 2; ++kill) kill_one_in(container);
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 600));
    service.kill_hard();
    kill_one_in(container);
    const auto before = Clock::now();
    service.start();
    CHECK(Clock::now() - before < std::chrono::seconds(3));
    CHECK(count_entries(service.dossiers(), true) == 0);
    for (const auto& dossier : fs::directory_iterator(service.dossiers())) {
      INFO(dossier.path());
      parse_report(read_file(dossier.path() / "report.json"));
      Process report(
          {{memspike_path(), "report", (dossier.path() / "recording.pftrace").string()}, nullptr, {}});
      CHECK(report.wait() == 0);
    }
    check_known_kills(service, container.oom_kills());
    // What a scraper has seen before does not go down.
    CHECK(sum_of(scrape(service.socket()), "memspike_container_oom_kills_total") == container.oom_kills());
  }
  CHECK(container.oom_kills() == static_cast<std::uint64_t>(3 * rounds));
}

TEST_CASE("an upgrade costs no dossier, and the next service watches soon", "[serve][host]") {
  const Node node;
  const std::string uid = unique_uid();
  const Cgroup pod("/kubepods/burstable/pod" + uid);
  const std::string id = id_of(8);
  node.name_container(uid, "checkout-0", "app", id);
  Service service(node, {"--keep-after", "60s"});
  const Cgroup container(pod.path() + "/" + id, 8U << 20);
  kill_one_in(container);
  check_known_kills(service, 1);
  CHECK(count_entries(service.dossiers(), false) == 0);  // it waits for what comes after the kill
  const auto before = Clock::now();
  CHECK(service.stop() == 0);
  service.start();
  // Half a second as a rule; beside a compiler it may be more.
  CHECK(Clock::now() - before < std::chrono::seconds(2));
  kill_one_in(container);
  check_known_kills(service, 2);
  const Json kills = service.ask_json({"kills"}).at("kills");
  REQUIRE(kills.size() == 2);
  const auto of_first =
      std::find_if(kills.begin(), kills.end(), [](const Json& kill) { return kill.at("dossier") != ""; });
  REQUIRE(of_first != kills.end());
  const fs::path dossier = service.dossiers() / of_first->at("dossier").get<std::string>();
  CHECK(parse_report(read_file(dossier / "report.json")).at("memcgs").size() > 0);
  CHECK(service.ask({"why", "checkout-0"}).find("OOM-killed") != std::string::npos);
}

TEST_CASE("options come from a file, and a wrong one changes nothing while it runs", "[serve][host]") {
  const Node node;
  const std::string uid = unique_uid();
  node.name_container(uid, "noisy-0", "app", id_of(1));
  const TempDir dir;
  const std::string config = (dir / "memspike.conf").string();
  write_file(config, "exclude = [\"shop/noisy-*\"]\nkeep = \"7s\"\n");
  Service service(node, {"--config", config});
  const Cgroup pod("/kubepods/burstable/pod" + uid);
  const Cgroup container(pod.path() + "/" + id_of(1), 8U << 20);
  kill_one_in(container);
  // It is told some moments later, by the options that hold then.
  std::this_thread::sleep_for(std::chrono::milliseconds(500));
  write_file(config, "exclude = [\"shop/noisy-*\"]\nno-such-option = 1\n");
  service.process().signal(SIGHUP);
  service.process().wait_for_err("stay as they are");
  CHECK(service.process().err().find("no-such-option") != std::string::npos);
  CHECK(service.known_kills() == 0);
  write_file(config, "exclude = [\"other/*\"]\n");
  service.process().signal(SIGHUP);
  service.process().wait_for_err("read the options again");
  kill_one_in(container);
  check_known_kills(service, 1);
}
