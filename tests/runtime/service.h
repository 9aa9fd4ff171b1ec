// A node service under test, on a node whose pods have names.
#pragma once

#include <sys/mount.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "harness.h"

namespace memspike::test {

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

std::string id_of(int life);

// One container in a pod of its own.
struct Container {
  Container(const Node& node, int number)
      : pod_name("shop-" + std::to_string(number)), uid(unique_uid()), pod("/kubepods/burstable/pod" + uid) {
    start(node, number);
  }
  // As kubelet does it: another cgroup in the same pod.
  void start_again(const Node& node, int number) {
    cgroup.reset();
    start(node, number);
  }
  std::string pod_name;
  std::string uid;
  Cgroup pod;
  std::optional<Cgroup> cgroup;

 private:
  void start(const Node& node, int number) {
    node.name_container(uid, pod_name, "app", id_of(number));
    cgroup.emplace(pod.path() + "/" + id_of(number), 8U << 20);
  }
};

// The node's processes, for who looks at it from there.
class ProcOf {
 public:
  explicit ProcOf(const Node& node) : path_(node.root() / "proc") {
    fs::create_directory(path_);
    REQUIRE(mount("/proc", path_.c_str(), "", MS_BIND, nullptr) == 0);
  }
  ~ProcOf() { umount2(path_.c_str(), MNT_DETACH); }
  ProcOf(const ProcOf&) = delete;
  ProcOf& operator=(const ProcOf&) = delete;

 private:
  fs::path path_;
};

class Service {
 public:
  // `environment`: of the service beside ours.
  explicit Service(const Node& node, std::vector<std::string> more = {},
                   std::map<std::string, std::string> environment = {})
      : node_(node), more_(std::move(more)), environment_(std::move(environment)) {
    start();
  }

  void start() {
    std::vector<std::string> arguments = {memspike_path(), "serve",
                                          "--data-dir",    data_dir().string(),
                                          "--socket",      socket(),
                                          "--host-root",   node_.root().path().string(),
                                          "--cgroup-root", memory_mount().string()};
    for (const auto& [option, value] : {std::pair("--keep", "5s"), std::pair("--keep-after", "300ms")}) {
      if (std::find(more_.begin(), more_.end(), option) == more_.end())
        arguments.insert(arguments.end(), {option, value});
    }
    arguments.insert(arguments.end(), more_.begin(), more_.end());
    process_.emplace(Process::Options{arguments, nullptr, {}, [this] {
                                        for (const auto& [name, value] : environment_)
                                          setenv(name.c_str(), value.c_str(), 1);
                                      }});
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
  std::map<std::string, std::string> environment_;
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
void check_known_kills(const Service& service, std::uint64_t expected);
std::size_t count_entries(const fs::path& directory, bool hidden);
// One life of a container that runs out of memory. Gives the kernel's own count.
std::uint64_t die(const std::string& pod_path, const std::string& id, std::uint64_t limit_bytes);
// One process in there runs into the limit, and is killed.
void kill_one_in(const Cgroup& container);
// By an HTTP client that is not ours: /metrics, `more` of it (?scraper=…, or what it accepts), or another
// path.
std::string scrape(const std::string& socket, const std::string& more = "");
std::uint64_t sum_of(const std::string& metrics, const std::string& series);

}  // namespace memspike::test
