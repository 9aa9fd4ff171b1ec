// The node service: a kill, its dossier, and the answers, for real.
#include <signal.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <random>
#include <regex>
#include <thread>

#include "harness.h"

using namespace memspike::test;

namespace {

using Clock = std::chrono::steady_clock;

// A node whose pods have names: what memspike reads of it, below a directory of our own.
class Node {
 public:
  void name_container(const std::string& uid, const std::string& pod, const std::string& container,
                      const std::string& id) const {
    fs::create_directories(root_ / ("var/log/pods/shop_" + pod + "_" + uid + "/" + container));
    fs::create_directories(root_ / "var/log/containers");
    fs::create_symlink("/var/log/pods/shop_" + pod + "_" + uid + "/" + container + "/0.log",
                       root_ / ("var/log/containers/" + pod + "_shop_" + container + "-" + id + ".log"));
  }
  const TempDir& root() const { return root_; }

 private:
  TempDir root_;
};

class Service {
 public:
  explicit Service(const Node& node, std::vector<std::string> more = {})
      : node_(node), more_(std::move(more)) {
    start();
  }

  void start() {
    std::vector<std::string> arguments = {memspike_path(), "serve",
                                          "--data-dir",    data_dir().string(),
                                          "--socket",      socket(),
                                          "--keep",        "5s",
                                          "--keep-after",  "300ms",
                                          "--host-root",   node_.root().path().string(),
                                          "--cgroup-root", memory_mount().string()};
    arguments.insert(arguments.end(), more_.begin(), more_.end());
    process_.emplace(Process::Options{arguments, nullptr, {}});
    process_->wait_for_err("watching");
  }
  int stop() {
    process_->signal(SIGTERM);
    return process_->wait();
  }
  void kill_hard() {
    process_->signal(SIGKILL);
    process_->wait();
  }

  Process& process() { return *process_; }
  fs::path data_dir() const { return dir_ / "data"; }
  std::string socket() const { return (dir_ / "socket").string(); }
  fs::path dossiers() const { return data_dir() / "dossiers"; }

  std::string ask(std::vector<std::string> arguments, int code = 0) const {
    arguments.insert(arguments.begin(), memspike_path());
    arguments.insert(arguments.end(), {"--socket", socket()});
    Process asking({arguments, nullptr, {}});
    const int got = asking.wait();
    INFO(asking.err());
    CHECK(got == code);
    return asking.out();
  }
  Json ask_json(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"-f", "json"});
    return Json::parse(ask(std::move(arguments)));
  }
  std::uint64_t known_kills() const {
    std::uint64_t sum = 0;
    const Json answer = ask_json({"kills"});
    for (const Json& kill : answer.at("kills")) sum += counter(kill, "count");
    return sum;
  }

 private:
  const Node& node_;
  std::vector<std::string> more_;
  TempDir dir_;
  std::optional<Process> process_;
};

template <class Done>
bool within(std::chrono::milliseconds most, Done done) {
  const auto deadline = Clock::now() + most;
  while (!done()) {
    if (Clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

// Soon, for what happened a moment ago.
void check_known_kills(const Service& service, std::uint64_t expected) {
  static_cast<void>(within(std::chrono::seconds(4), [&] { return service.known_kills() == expected; }));
  INFO(service.ask({"kills"}));
  CHECK(service.known_kills() == expected);
}

std::size_t count_entries(const fs::path& directory, bool hidden) {
  std::size_t count = 0;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(directory, ignored)) {
    count += (entry.path().filename().string().front() == '.') == hidden ? 1 : 0;
  }
  return count;
}

std::string id_of(int life) {
  std::string digits = std::to_string(life);
  return std::string(64 - digits.size(), '0') + digits;
}

// One life of a container that runs out of memory. Gives the kernel's own count.
std::uint64_t die(const std::string& pod_path, const std::string& id, std::uint64_t limit_bytes) {
  Cgroup container(pod_path + "/" + id, limit_bytes);
  Process process({{workload_path(), "oom", "--max", "64M"}, &container, {}});
  REQUIRE(process.wait() == 128 + SIGKILL);
  const std::uint64_t kills = container.oom_kills();
  container.remove();
  return kills;
}

// By an HTTP client that is not ours.
std::string scrape(const std::string& socket, const std::string& more = "") {
  Process curl({{"/usr/bin/python3", "-c", R"(
import http.client, socket, sys
class Unix(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX); self.sock.connect(sys.argv[1])
c = Unix("memspike"); c.request("GET", "/metrics" + sys.argv[2], headers={"Accept": sys.argv[3]})
r = c.getresponse(); print(r.status, r.getheader("Content-Type"), file=sys.stderr)
sys.stdout.write(r.read().decode())
)",
                 socket, more.starts_with('?') ? more : "", more.starts_with('?') ? "" : more},
                nullptr,
                {}});
  INFO(curl.err());
  REQUIRE(curl.wait() == 0);
  return curl.out();
}

std::uint64_t sum_of(const std::string& metrics, const std::string& series) {
  std::uint64_t sum = 0;
  std::istringstream lines(metrics);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind(series, 0) == 0) sum += std::stoull(line.substr(line.rfind(' ') + 1));
  }
  return sum;
}

}  // namespace

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
  for (int round = 0; round < 3; ++round) {
    // Some while it runs, and one while it does not.
    for (int kill = 0; kill < 2; ++kill) {
      Process process({{workload_path(), "oom", "--max", "64M"}, &container, {}});
      REQUIRE(process.wait() == 128 + SIGKILL);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 600));
    service.kill_hard();
    Process process({{workload_path(), "oom", "--max", "64M"}, &container, {}});
    REQUIRE(process.wait() == 128 + SIGKILL);
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
  }
  CHECK(container.oom_kills() == 9);
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
  const auto die_once = [&] {
    Process process({{workload_path(), "oom", "--max", "64M"}, &container, {}});
    REQUIRE(process.wait() == 128 + SIGKILL);
  };
  die_once();
  write_file(config, "exclude = [\"shop/noisy-*\"]\nno-such-option = 1\n");
  service.process().signal(SIGHUP);
  service.process().wait_for_err("stay as they are");
  CHECK(service.process().err().find("no-such-option") != std::string::npos);
  CHECK(service.known_kills() == 0);
  write_file(config, "exclude = [\"other/*\"]\n");
  service.process().signal(SIGHUP);
  service.process().wait_for_err("read the options again");
  die_once();
  check_known_kills(service, 1);
}

TEST_CASE("what stands in the service's way is one clear line", "[serve][host]") {
  const Node node;
  Service service(node);
  const TempDir dir;
  Process second(
      {{memspike_path(), "serve", "--data-dir", (dir / "data").string(), "--socket", service.socket()},
       nullptr,
       {}});
  CHECK(second.wait() == 1);
  CHECK(second.err().find("answers on") != std::string::npos);
  Process same_data({{memspike_path(), "serve", "--data-dir", service.data_dir().string(), "--socket",
                      (dir / "socket").string()},
                     nullptr,
                     {}});
  CHECK(same_data.wait() == 1);
  CHECK(same_data.err().find("another service") != std::string::npos);
  CHECK((fs::status(service.socket()).permissions() & fs::perms::all) ==
        (fs::perms::owner_read | fs::perms::owner_write));
  service.kill_hard();
  Process nobody({{memspike_path(), "why", "--socket", service.socket()}, nullptr, {}});
  CHECK(nobody.wait() == 1);
  CHECK(nobody.err().find("no service answers") != std::string::npos);
  service.start();  // over the socket that it left
  CHECK(service.ask({"status"}).find("watches") != std::string::npos);
  CHECK(service.stop() == 0);
  CHECK_FALSE(fs::exists(service.socket()));
}
