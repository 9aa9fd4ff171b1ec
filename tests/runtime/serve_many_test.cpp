// Many kills at once: all are known, and what is kept of them is whole.
#include <algorithm>
#include <deque>
#include <set>

#include "service.h"
#include "stacks.h"

using namespace memspike::test;

namespace {

// By hand a test may be made longer: MEMSPIKE_KILLS=1000 MEMSPIKE_CONTAINERS=40.
std::size_t asked_or(const char* variable, std::size_t otherwise) {
  const char* asked = std::getenv(variable);
  return asked != nullptr ? std::stoul(asked) : otherwise;
}

// All of the killers at once, in containers that follow one another.
void kill_in_turn(std::deque<Container>& containers, std::size_t kills, std::size_t killers) {
  for (std::size_t done = 0; done < kills;) {
    std::deque<Process> processes;
    for (std::size_t i = 0; i < killers && done < kills; ++i, ++done) {
      const Cgroup& cgroup = *containers[done % containers.size()].cgroup;
      processes.emplace_back(Process::Options{{workload_path(), "oom", "--max", "64M"}, &cgroup, {}});
    }
    for (Process& process : processes) CHECK(process.wait() == 128 + SIGKILL);
  }
}

// The dossier tells of the kills that the log has of it (and of others before them), and how high it was.
void check_dossier(const Service& service, const std::string& name, const std::set<std::uint64_t>& pids) {
  INFO(name);
  const Json report = parse_report(read_file(service.dossiers() / name / "report.json"));
  std::set<std::uint64_t> told;
  for (const Json& memcg : report.at("memcgs")) {
    for (const Json& kill : memcg.at("oom_kills")) {
      CHECK(counter(kill, "limit_bytes") == 8U << 20);
      CHECK(counter(memcg.at("usage"), "peak_bytes") == 8U << 20);
      for (const Json& victim : kill.at("victims")) told.insert(counter(victim, "pid"));
    }
  }
  CHECK(std::includes(told.begin(), told.end(), pids.begin(), pids.end()));
  CHECK(fs::file_size(service.dossiers() / name / "recording.pftrace") > 0);
  CHECK(fs::file_size(service.dossiers() / name / "report.txt") > 0);
}

}  // namespace

TEST_CASE("four killers at once: each kill is known, and each dossier is whole", "[serve][host]") {
  const std::size_t kills = asked_or("MEMSPIKE_KILLS", 40);
  const std::size_t count = asked_or("MEMSPIKE_CONTAINERS", 8);
  const Node node;
  Service service(node);
  std::deque<Container> containers;
  for (std::size_t i = 1; i <= count; ++i) containers.emplace_back(node, static_cast<int>(i));
  kill_in_turn(containers, kills, 4);
  check_known_kills(service, kills);
  const std::string metrics = scrape(service.socket());
  for (const Container& each : containers) {
    const std::string labels = "{namespace=\"shop\",pod=\"" + each.pod_name + "\",container=\"app\"";
    INFO(labels);
    CHECK(sum_of(metrics, "memspike_container_oom_kills_total" + labels) == each.cgroup->oom_kills());
    CHECK(sum_of(metrics, "memspike_container_oom_kills_total" + labels + ",limit=\"own\"") ==
          each.cgroup->oom_kills());
  }
  // Each kill has its dossier soon, or is said to have none.
  std::map<std::string, std::set<std::uint64_t>> pids_by_dossier;
  CHECK(within(std::chrono::seconds(30), [&] {
    pids_by_dossier.clear();
    bool is_settled = true;
    const Json known = service.ask_json({"kills"}).at("kills");
    for (const Json& kill : known) {
      is_settled = is_settled && (kill.at("dossier") != "" || kill.at("no_dossier") != "");
      if (kill.at("dossier") != "") pids_by_dossier[kill.at("dossier")].insert(counter(kill, "pid"));
    }
    return is_settled;
  }));
  CHECK(pids_by_dossier.size() >= count);
  std::size_t kept = 0;
  for (const auto& [name, pids] : pids_by_dossier) {
    if (!fs::exists(service.dossiers() / name)) continue;  // it made room
    ++kept;
    check_dossier(service, name, pids);
  }
  CHECK(kept == std::min<std::size_t>(pids_by_dossier.size(), 200));
  CHECK(count_entries(service.dossiers(), true) == 0);
  // Of very many at once some are not kept, and each kill says so.
  if (kills <= 40) CHECK(counter(service.ask_json({"status"}), "dossiers_not_kept") == 0);
}

TEST_CASE("where that is asked for no byte of a command line is kept or told", "[serve][host]") {
  constexpr const char* kSecret = "s3cret-of-the-shop";
  for (const bool redacts : {false, true}) {
    const Node node;
    const ProcOf proc(node);
    Service service(node, redacts ? std::vector<std::string>{"--redact"} : std::vector<std::string>{});
    Container container(node, 1);
    // Its first argument, which it takes for its own name; slow enough to be looked at.
    const std::string line = "exec -a '" + std::string(kSecret) + "' " + workload_path() +
                             " anon 64M --step 512K --step-pause 30ms";
    Process process({{"/bin/bash", "-c", line}, &*container.cgroup, {}});
    CHECK(process.wait() == 128 + SIGKILL);
    CHECK(within(std::chrono::seconds(20), [&] { return count_entries(service.dossiers(), false) == 1; }));
    std::string all = service.ask({"why"}) + service.ask({"kills", "-f", "json"}) + scrape(service.socket()) +
                      service.ask({"last", container.pod_name, "-f", "json"}) + service.ask({"status"});
    for (const auto& file : fs::recursive_directory_iterator(service.data_dir())) {
      if (!file.is_regular_file()) continue;
      all += read_file(file.path());
      if (file.path().extension() != ".pftrace") continue;
      Process report({{memspike_path(), "report", file.path().string(), "-f", "json"}, nullptr, {}});
      CHECK(report.wait() == 0);
      all += report.out();
    }
    CHECK((all.find(kSecret) == std::string::npos) == redacts);
    CHECK(service.stop() == 0);
  }
}

TEST_CASE("a service looks closer at a container in trouble, and says so", "[serve][host]") {
  const Node node;
  Service service(node);
  Container container(node, 1);
  const std::string before = service.ask_json({"status"}).at("detail");
  CHECK(service.ask_json({"status"}).at("zoomed").empty());
  kill_one_in(*container.cgroup);
  Json status;
  CHECK(within(std::chrono::seconds(20), [&] {
    status = service.ask_json({"status"});
    return !status.at("zoomed").empty();
  }));
  REQUIRE_FALSE(status.at("zoomed").empty());
  const Json zoomed = status.at("zoomed").back();
  CHECK(zoomed.at("closer") == true);
  CHECK(zoomed.at("container") == "shop/" + container.pod_name + "/app");
  CHECK(within(std::chrono::seconds(5), [&] { return service.ask_json({"status"}).at("detail") != before; }));
  CHECK(service.ask_json({"status"}).at("detail") == "pages");
  CHECK(service.ask({"status"}).find("closer since ") != std::string::npos);
  const std::string last = service.ask({"last", container.pod_name, "-f", "json"});
  CHECK(last.find("the service looked closer from ") != std::string::npos);
  // By hand it is as anybody likes.
  service.process().signal(SIGUSR2);
  CHECK(within(std::chrono::seconds(5), [&] { return service.ask_json({"status"}).at("detail") == before; }));
}

// As a pod in a crash loop: the first death brings the closer look, the second one has the code in its
// dossier.
TEST_CASE("a service that looks closer knows which code asked for the memory", "[serve][stacks][host]") {
  const Node node;
  const ProcOf proc(node);
  Service service(node, {"--keep", "10s", "--keep-after", in_guest() ? "30s" : "10s"});
  Container container(node, 1);
  kill_one_in(*container.cgroup);
  REQUIRE(
      within(std::chrono::seconds(20), [&] { return service.ask_json({"status"}).at("detail") == "pages"; }));
  Process process(workload(*container.cgroup, {"stacks", "c", "64M"}));
  process.wait_for_out("ready");
  process.send_line();
  const auto pid = static_cast<std::uint64_t>(process.pid());
  CHECK(process.wait() == 128 + SIGKILL);
  Json report;
  REQUIRE(within(std::chrono::seconds(60), [&] {
    const Json kill = service.ask_json({"kills"}).at("kills").back();
    if (counter(kill, "pid") != pid || kill.at("dossier") == "") return false;
    const std::string name = kill.at("dossier");
    report = parse_report(read_file(service.dossiers() / name / "report.json"));
    return true;
  }));
  CHECK(report.contains("stacks") == kernel_takes_stacks());
  if (!kernel_takes_stacks()) return;
  INFO(report.at("stacks").dump());
  // Of its 2,048 pages most: what was there before it began had another code.
  CHECK(pages_of(report, {"c_touch"}) > 1'024);
  CHECK(whole_pages(report) > 1'024);
  CHECK(service.ask({"why"}).find("c_touch") != std::string::npos);
  // As before again: none are taken.
  service.process().signal(SIGUSR2);
  CHECK(
      within(std::chrono::seconds(5), [&] { return service.ask_json({"status"}).at("detail") != "pages"; }));
  const auto taken = [&] {
    const Json last = parse_report(service.ask({"last", container.pod_name, "-f", "json"}));
    return counter(last.at("events"), "stacks");
  };
  const std::uint64_t before = taken();
  CHECK(before > 0);
  CHECK(run_workload(*container.cgroup, {"anon", "4M"}) == 0);
  CHECK(taken() == before);
  CHECK(service.stop() == 0);
}

// What is not in trouble is seen as before, and costs no more than that it is passed over.
TEST_CASE("a service that looks closer does so at the pod in trouble alone", "[serve][stacks][host]") {
  const Node node;
  const ProcOf proc(node);
  Service service(node);
  Container troubled(node, 1);
  Container calm(node, 2);
  const std::string before = service.ask_json({"status"}).at("detail");
  kill_one_in(*troubled.cgroup);
  REQUIRE(within(std::chrono::seconds(20),
                 [&] { return service.ask_json({"status"}).at("looked_at").size() == 1; }));
  CHECK(service.ask_json({"status"}).at("looked_at").at(0).at("container") ==
        "shop/" + troubled.pod_name + "/app");
  REQUIRE(within(std::chrono::seconds(5),
                 [&] { return service.ask({"status"}).find("detail pages") != std::string::npos; }));
  troubled.start_again(node, 3);
  for (const Container* each : {&calm, &troubled}) {
    Process process(workload(*each->cgroup, {"stacks", "c", "4M"}));
    process.wait_for_out("ready");
    process.send_line();
    CHECK(process.wait() == 0);
  }
  const auto told_of = [&](const Container& container) {
    return parse_report(service.ask({"last", container.pod_name, "-f", "json"}));
  };
  CHECK(within(std::chrono::seconds(10),
               [&] { return !kernel_takes_stacks() || told_of(troubled).contains("stacks"); }));
  const Json close = told_of(troubled);
  const Json far = told_of(calm);
  INFO(far.dump());
  CHECK_FALSE(far.contains("stacks"));
  CHECK(far.at("session").at("details").back().at("detail") == before);
  CHECK(close.at("session").at("details").back().at("detail") == "pages");
  CHECK(service.stop() == 0);
}

// After the trouble: minutes later on a node, here a sixtieth of that.
TEST_CASE("a service that looked closer looks as before again when the trouble is over", "[serve][host]") {
  const Node node;
  Service service(node, {}, {{"MEMSPIKE_ZOOM_HASTE", "60"}});
  Container container(node, 1);
  const std::string before = service.ask_json({"status"}).at("detail");
  kill_one_in(*container.cgroup);
  Json zoomed;
  CHECK(within(std::chrono::seconds(30), [&] {
    zoomed = service.ask_json({"status"}).at("zoomed");
    return zoomed.size() == 2;
  }));
  REQUIRE(zoomed.size() == 2);
  CHECK(zoomed.at(0).at("closer") == true);
  CHECK(zoomed.at(1).at("closer") == false);
  CHECK(zoomed.at(1).at("container") == "shop/" + container.pod_name + "/app");
  CHECK(zoomed.at(1).at("why") == "nobody is in trouble any more");
  CHECK(zoomed.at(0).at("time") < zoomed.at(1).at("time"));
  CHECK(within(std::chrono::seconds(5), [&] { return service.ask_json({"status"}).at("detail") == before; }));
  CHECK(service.ask({"status"}).find("as before since ") != std::string::npos);
  // The recording has both, and what was watched when.
  const Json last = parse_report(service.ask({"last", container.pod_name, "--for", "60s", "-f", "json"}));
  CHECK(last.dump().find("the service looked as before again from ") != std::string::npos);
  const Json& details = last.at("session").at("details");
  INFO(details.dump());
  REQUIRE(details.size() >= 3);
  CHECK(details.at(details.size() - 2).at("detail") == "pages");
  CHECK(details.back().at("detail") == before);
  // What rises now is watched as before, too.
  CHECK(run_workload(*container.cgroup, {"anon", "2M"}) == 0);
  CHECK(service.stop() == 0);
}
