// `run` as a wrapper that people leave in place: signals, what the command leaves behind, the exit code.
#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

#include "harness.h"

using namespace memspike::test;
using namespace std::chrono_literals;

namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::vector<std::string> run_of(std::vector<std::string> options, const std::string& script) {
  std::vector<std::string> arguments{memspike_path(), "run"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  arguments.insert(arguments.end(), {"--", "/bin/sh", "-c", script});
  return arguments;
}

bool comes_true(auto&& test, std::chrono::milliseconds within) {
  const auto end = std::chrono::steady_clock::now() + within;
  while (std::chrono::steady_clock::now() < end) {
    if (test()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return test();
}

fs::path cgroup_of_report(const fs::path& json) {
  const Json report = parse_report(read_file(json));
  return memory_mount() / report.at("target").at("cgroup").get<std::string>().substr(1);
}

// Where a process is charged, by its own word.
fs::path cgroup_of(pid_t pid) {
  const std::string text = read_file("/proc/" + std::to_string(pid) + "/cgroup");
  const std::string key = memory_is_v2() ? "0::/" : ":memory:/";
  const std::size_t at = text.find(key);
  REQUIRE(at != std::string::npos);
  const std::size_t begin = at + key.size();
  return memory_mount() / text.substr(begin, text.find('\n', begin) - begin);
}

}  // namespace

TEST_CASE("every signal that can be passed on reaches the command", "[cli][run]") {
  for (const int number : {SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGTERM, SIGWINCH, SIGURG,
                           SIGIO, SIGPWR, SIGVTALRM, SIGPROF, SIGXCPU, SIGCONT}) {
    INFO("signal " << number);
    const std::string name = std::to_string(number);
    Process process({run_of({"-q", "-o", "/dev/null"},
                            "trap 'echo got; exit 9' " + name + "; echo up; while :; do sleep 0.02; done"),
                     nullptr,
                     {}});
    process.wait_for_out("up");
    process.signal(number);
    CHECK(process.wait() == 9);
    CHECK(process.out() == "up\ngot\n");
  }
}

TEST_CASE("a command that takes a signal as news goes on, and so does the recording", "[cli][run]") {
  const TempDir dir;
  Process process({run_of({"-q", "-f", "json", "-o", (dir / "r.json").string()},
                          "trap 'n=$((n+1)); echo got$n' USR1 INT TERM; echo up; "
                          "while [ \"$n\" != 4 ]; do sleep 0.02; done; exit 3"),
                   nullptr,
                   {}});
  process.wait_for_out("up");
  int count = 0;
  for (const int number : {SIGUSR1, SIGINT, SIGTERM, SIGTERM}) {
    process.signal(number);
    process.wait_for_out("got" + std::to_string(++count));
  }
  CHECK(process.wait() == 3);
  CHECK(parse_report(read_file(dir / "r.json")).at("schema_version") == 1);
}

TEST_CASE("what a command leaves running neither holds up the exit nor leaks the cgroup", "[cli][run]") {
  const TempDir dir;
  Process process({run_of({"-f", "json", "-o", (dir / "r.json").string()}, "sleep 6 & exit 4"), nullptr, {}});
  const auto begin = std::chrono::steady_clock::now();
  process.wait_for_err("processes of the command still run");
  CHECK(process.wait() == 4);
  CHECK(std::chrono::steady_clock::now() - begin < 5s);  // with what it takes to attach: 2 s where emulated
  const fs::path cgroup = cgroup_of_report(dir / "r.json");
  CHECK(fs::exists(cgroup));
  CHECK(comes_true([&] { return !fs::exists(cgroup); }, 12s));
}

TEST_CASE("the cgroup of a memspike that was killed goes with the command", "[cli][run]") {
  Process process({run_of({"-q", "-o", "/dev/null"}, "echo $$; exec sleep 60"), nullptr, {}});
  process.wait_for_out("\n");
  const pid_t command = std::stoi(process.out());
  const fs::path cgroup = cgroup_of(command);
  REQUIRE(contains(cgroup.string(), "memspike-run-"));
  process.signal(SIGKILL);
  CHECK(process.wait() == 128 + SIGKILL);
  std::this_thread::sleep_for(50ms);
  CHECK(kill(command, 0) == 0);
  CHECK(fs::exists(cgroup));
  kill(command, SIGKILL);
  CHECK(comes_true([&] { return !fs::exists(cgroup); }, 4s));
}

TEST_CASE("a condition that is met makes it exit with 5 and one line", "[cli][run]") {
  struct Case {
    std::vector<std::string> options;
    std::string line;  // "": not met
  };
  const std::string hog = workload_path() + " anon 24M";
  const std::vector<Case> cases{
      {{"--limit", "64Mi", "--fail-on-oom"}, ""},
      {{"--limit", "64Mi", "--fail-if", "peak > 90%"}, ""},
      {{"--limit", "64Mi", "--fail-if", "peak > 30%"}, "peak > 30%: the peak was 2"},
      {{"--limit", "64Mi", "--fail-if", "headroom < 10Mi"}, ""},
      {{"--limit", "64Mi", "--fail-if", "headroom < 60Mi"}, "headroom < 60Mi: the headroom was "},
      {{"--fail-if", "burst >= 20Mi"}, "burst >= 20Mi: the burst was 2"},
      {{"--fail-if", "burst > 50Mi", "--fail-if", "kills > 0"}, ""},
  };
  for (const Case& c : cases) {
    std::vector<std::string> options{"-q", "-o", "/dev/null"};
    options.insert(options.end(), c.options.begin(), c.options.end());
    Process process({run_of(options, hog + " >/dev/null"), nullptr, {}});
    const int code = process.wait();
    INFO(c.options.back() << ": " << process.err());
    CHECK(code == (c.line.empty() ? 0 : 5));
    if (c.line.empty()) CHECK(process.err().empty());
    if (!c.line.empty()) CHECK(contains(process.err(), "memspike: failed, as asked for by " + c.line));
  }
  // The kill of a child that the command does not mind.
  Process oom({run_of({"-q", "-o", "/dev/null", "--limit", "16Mi", "--fail-on-oom"},
                      workload_path() + " oom --max 64M; exit 0"),
               nullptr,
               {}});
  CHECK(oom.wait() == 5);
  CHECK(contains(oom.err(), "memspike: failed, as asked for by --fail-on-oom: 1 OOM kill\n"));
}

TEST_CASE("what cannot be judged or run is asked about, before anything runs", "[cli][run]") {
  struct Case {
    std::vector<std::string> options;
    std::string said;
  };
  const std::vector<Case> cases{
      {{"--limit", "50"}, "50 is 50 B, in which no command can be started; did you mean 50Mi?"},
      {{"--limit", "50k"}, "did you mean 50Mi?"},
      {{"--fail-if", "peak > 90%"}, "give one with --limit"},
      {{"--fail-if", "headroom < 1Mi"}, "give one with --limit"},
      {{"--fail-if", "peek > 1Mi"}, "it begins with peak, burst, headroom or kills"},
      {{"--fail-if", "peak > 1Xi"}, "unknown unit"},
      {{"--fail-if", "peak = 1Mi"}, "then comes >, >=, < or <="},
  };
  for (const Case& c : cases) {
    Process process({run_of(c.options, "echo ran"), nullptr, {}});
    CHECK(process.wait() == 2);
    CHECK(process.out().empty());
    INFO(process.err());
    CHECK(contains(process.err(), c.said));
  }
}

TEST_CASE("nothing is painted over the command's own terminal", "[cli][run][host]") {
  Process process(
      {{"/usr/bin/script", "-qec", memspike_path() + " run -o /dev/null -- sleep 0.7", "/dev/null"},
       nullptr,
       {}});
  CHECK(process.wait() == 0);
  CHECK(!contains(process.out(), "\x1b["));
}

TEST_CASE("the same file given twice is refused, whatever its name", "[cli]") {
  const TempDir dir;
  const std::string recording = (dir / "r.pftrace").string();
  Process record({run_of({"-q", "-o", recording}, "true"), nullptr, {}});
  REQUIRE(record.wait() == 0);
  const std::string before = read_file(recording);
  REQUIRE(!before.empty());
  fs::create_hard_link(recording, dir / "link");
  fs::create_symlink(recording, dir / "symlink");
  fs::create_symlink(dir / "nowhere", dir / "dangling");
  write_file(dir / "other", "kept");
  const std::vector<std::vector<std::string>> cases{
      {"report", recording, "-o", recording},
      {"report", recording, "-f", "json", "-o", (dir / "link").string()},
      {"report", (dir / "symlink").string(), "-f", "csv", "-o", recording},
      {"run", "-o", (dir / "x").string(), "--csv", (dir / "x").string(), "--", "true"},
      {"run", "-o", (dir / "other").string(), "--csv", (dir / "." / "other").string(), "--", "true"},
      {"run", "--csv", (dir / "nowhere").string(), "--record", (dir / "dangling").string(), "--", "true"},
      {"run", "-f", "json", "--csv", "-", "--", "true"},
  };
  for (std::vector<std::string> arguments : cases) {
    arguments.insert(arguments.begin(), memspike_path());
    Process process({arguments, nullptr, {}});
    CHECK(process.wait() == 2);
    CHECK(!process.err().empty());
    CHECK(read_file(recording) == before);
    CHECK(read_file(dir / "other") == "kept");
  }
  Process fine({run_of({"-q", "-o", "/dev/null", "--csv", "/dev/null"}, "true"), nullptr, {}});
  CHECK(fine.wait() == 0);
}
