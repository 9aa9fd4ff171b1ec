#include "harness.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>
#include <thread>

#include "schema_check.h"

namespace memspike::test {
namespace {

std::string from_environment(const char* variable) {
  const char* value = std::getenv(variable);
  if (value == nullptr) FAIL(variable << " is not set: run these tests through ctest");
  return value;
}

// True as soon as `done` is; false after the time.
template <class Done>
bool poll(int timeout_s, Done done) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(timeout_s);
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

std::uint64_t read_number(const fs::path& path) { return std::stoull(read_file(path)); }

// "oom_kill 3" in memory.events or memory.oom_control.
std::uint64_t read_key(const fs::path& path, const std::string& key) {
  std::istringstream lines(read_file(path));
  for (std::string name; lines >> name;) {
    std::uint64_t value = 0;
    lines >> value;
    if (name == key) return value;
  }
  FAIL(path << " has no " << key);
  return 0;
}

void enable_memory(const fs::path& dir) {
  std::ofstream(dir / "cgroup.subtree_control")
      << "+memory";  // v2 only; where it fails, mkdir's files are missing
}

}  // namespace

std::string memspike_path() { return from_environment("MEMSPIKE"); }
std::string workload_path() { return from_environment("MEMSPIKE_WORKLOAD"); }
fs::path oracle_path(const std::string& name) {
  return fs::path(from_environment("MEMSPIKE_ORACLES")) / name;
}

TempDir::TempDir(const fs::path& parent) {
  std::string name = (parent / "memspike-test-XXXXXX").string();
  REQUIRE(mkdtemp(name.data()) != nullptr);
  dir_ = name;
}
TempDir::~TempDir() {
  std::error_code ignored;
  fs::remove_all(dir_, ignored);
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void write_file(const fs::path& path, const std::string& text) {
  std::ofstream file(path);
  file << text;
  file.flush();
  INFO(path << " <- " << text);
  REQUIRE(file.good());
}

bool in_guest() { return std::getenv("MEMSPIKE_TEST_GUEST") != nullptr; }

std::uint64_t page_bytes() { return static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)); }

bool memory_is_v2() { return !fs::exists("/sys/fs/cgroup/memory/memory.usage_in_bytes"); }
fs::path memory_mount() { return memory_is_v2() ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory"; }

Cgroup::Cgroup(const std::string& path, std::optional<std::uint64_t> limit_bytes)
    : path_(path), dir_(memory_mount()) {
  if (memory_is_v2()) enable_memory(dir_);
  for (const auto& part : fs::path(path).relative_path()) {
    dir_ /= part;
    if (fs::create_directory(dir_)) made_.push_back(dir_);
    if (memory_is_v2() && dir_ != memory_mount() / fs::path(path).relative_path()) enable_memory(dir_);
  }
  if (limit_bytes) set_limit(*limit_bytes);
}

Cgroup::~Cgroup() {
  for (auto dir = made_.rbegin(); dir != made_.rend(); ++dir) {
    poll(5, [&] { return rmdir(dir->c_str()) == 0 || errno == ENOENT || errno == ENOTEMPTY; });
  }
}

void Cgroup::remove() {
  INFO(dir_);
  REQUIRE(poll(10, [&] { return rmdir(dir_.c_str()) == 0; }));
}

void Cgroup::set_limit(std::uint64_t bytes) {
  write_file(dir_ / (memory_is_v2() ? "memory.max" : "memory.limit_in_bytes"), std::to_string(bytes));
}

std::optional<std::uint64_t> Cgroup::kernel_peak() const {
  const fs::path file = dir_ / (memory_is_v2() ? "memory.peak" : "memory.max_usage_in_bytes");
  if (!fs::exists(file)) return std::nullopt;
  return read_number(file);
}
std::uint64_t Cgroup::usage() const {
  return read_number(dir_ / (memory_is_v2() ? "memory.current" : "memory.usage_in_bytes"));
}
std::uint64_t Cgroup::oom_kills() const {
  return read_key(dir_ / (memory_is_v2() ? "memory.events" : "memory.oom_control"), "oom_kill");
}

std::uint64_t Cgroup::limit_hits() const {
  if (memory_is_v2()) return read_key(dir_ / "memory.events.local", "max");
  // With a limit for memory and swap together that one refuses first.
  const fs::path both = dir_ / "memory.memsw.failcnt";
  return read_number(dir_ / "memory.failcnt") + (fs::exists(both) ? read_number(both) : 0);
}

std::string status_of(pid_t pid, const std::string& key) {
  std::istringstream lines(read_file("/proc/" + std::to_string(pid) + "/status"));
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind(key + ":\t", 0) == 0) return line.substr(key.size() + 2);
  }
  return "";
}

std::vector<pid_t> children_of(pid_t pid) {
  const std::string text = std::to_string(pid);
  std::istringstream numbers(read_file("/proc/" + text + "/task/" + text + "/children"));
  std::vector<pid_t> children;
  for (pid_t child = 0; numbers >> child;) children.push_back(child);
  return children;
}

std::string unique_name(const std::string& stem) {
  static int count = 0;
  return fmt::format("memspike-test-{}-{}-{}", stem, getpid(), ++count);
}

std::string unique_uid() {
  std::random_device random;
  const auto digits = [&](int n) {
    std::string text;
    for (int i = 0; i < n; ++i) text += "0123456789abcdef"[random() % 16];
    return text;
  };
  return fmt::format("{}-{}-{}-{}-{}", digits(8), digits(4), digits(4), digits(4), digits(12));
}

Process::Process(Options options) {
  int ends[2];
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  const int out = open((dir_ / "out").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  const int err = open((dir_ / "err").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  const int procs =
      options.cgroup ? open((options.cgroup->dir() / "cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC) : -1;
  REQUIRE((out >= 0 && err >= 0 && (options.cgroup == nullptr || procs >= 0)));
  std::vector<char*> arguments;
  for (std::string& argument : options.arguments) arguments.push_back(argument.data());
  arguments.push_back(nullptr);
  pid_ = fork();
  REQUIRE(pid_ >= 0);
  if (pid_ == 0) {
    for (const int number : {SIGINT, SIGTERM})
      std::signal(number, SIG_DFL);  // the test program's own are its own
    if (procs >= 0 && write(procs, "0", 1) != 1) _exit(125);
    dup2(ends[0], 0);
    dup2(out, 1);
    dup2(err, 2);
    if (options.prepare) options.prepare();
    if (options.uid && (setgid(*options.uid) != 0 || setuid(*options.uid) != 0)) _exit(125);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  stdin_ = ends[1];
  for (const int fd : {ends[0], out, err, procs}) {
    if (fd >= 0) close(fd);
  }
}

Process::~Process() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  if (stdin_ >= 0) close(stdin_);
}

void Process::send_line() { REQUIRE(write(stdin_, "\n", 1) == 1); }
void Process::signal(int number) const { REQUIRE(kill(pid_, number) == 0); }

int Process::wait(int timeout_s) {
  int status = 0;
  const bool ended = poll(timeout_s, [&] { return waitpid(pid_, &status, WNOHANG) == pid_; });
  INFO(out() << err());
  REQUIRE(ended);
  pid_ = -1;
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

std::string Process::out() const { return read_file(dir_ / "out"); }
std::string Process::err() const { return read_file(dir_ / "err"); }

void Process::wait_for_err(const std::string& text, int timeout_s) const {
  const bool seen = poll(timeout_s, [&] { return err().find(text) != std::string::npos; });
  INFO("waiting for \"" << text << "\" in: " << err());
  REQUIRE(seen);
}
void Process::wait_for_out(const std::string& text, int timeout_s) const {
  const bool seen = poll(timeout_s, [&] { return out().find(text) != std::string::npos; });
  INFO("waiting for \"" << text << "\" in: " << out());
  REQUIRE(seen);
}

Json parse_report(const std::string& text) {
  CHECK(memspike::testing::against_schema(text).empty());
  return Json::parse(text);
}

Recorder::Recorder(std::vector<std::string> arguments, bool wait_until_ready) {
  std::vector<std::string> all{memspike_path(), "record"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  for (const std::string& more : {std::string("-f"), std::string("json"), std::string("-o"), json().string(),
                                  std::string("--csv"), csv().string()}) {
    all.push_back(more);
  }
  // The tier that a matrix of kernels asks for.
  if (const char* extra = std::getenv("MEMSPIKE_EXTRA")) {
    std::istringstream words(extra);
    for (std::string word; words >> word;) all.push_back(word);
  }
  process_.emplace(Process::Options{all, nullptr, {}});
  if (wait_until_ready) process_->wait_for_err("recording;");
}

Json Recorder::report() {
  const int code = process_->wait();
  INFO(process_->err());
  REQUIRE(code == 0);
  return parse_report(read_file(json()));
}

Json Recorder::stop() {
  process_->signal(SIGINT);
  return report();
}
Json Recorder::wait() { return report(); }

Json memcg_of(const Json& report, const std::string& path) {
  for (const Json& memcg : report.at("memcgs")) {
    if (memcg.at("path") == path) return memcg;
  }
  FAIL("no memcg " << path << " in " << report.at("memcgs").dump().substr(0, 2000));
  return {};
}

Json highest_spike(const Json& memcg) {
  const Json& spikes = memcg.at("spikes");
  INFO(memcg.dump());
  REQUIRE(!spikes.empty());
  return *std::max_element(spikes.begin(), spikes.end(), [](const Json& a, const Json& b) {
    return counter(a, "prominence_bytes") < counter(b, "prominence_bytes");
  });
}

Json highest_burst(const Json& memcg) {
  const Json& bursts = memcg.at("bursts");
  INFO(memcg.dump());
  REQUIRE(!bursts.empty());
  return *std::max_element(bursts.begin(), bursts.end(), [](const Json& a, const Json& b) {
    return counter(a, "height_bytes") < counter(b, "height_bytes");
  });
}

std::uint64_t counter(const Json& object, const char* name) { return object.at(name).get<std::uint64_t>(); }

std::uint64_t lost_total(const Json& report) {
  std::uint64_t total = 0;
  for (const auto& [name, value] : report.at("lost").items()) {
    if (name != "program_recursion" && name != "nested_trigger") total += value.get<std::uint64_t>();
  }
  return total;
}

void check_identity(const Json& report) {
  const Json& events = report.at("events");
  const Json& lost = report.at("lost");
  CHECK(counter(events, "triggers") ==
        counter(events, "samples") + counter(events, "unchanged") + counter(events, "thinned") +
            counter(lost, "ring_buffer_full") + counter(lost, "memcg_table_full") +
            counter(lost, "nested_trigger") + counter(lost, "program_recursion"));
}

Process::Options workload(const Cgroup& cgroup, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), workload_path());
  arguments.push_back("--start-on-stdin");
  return {std::move(arguments), &cgroup, {}};
}

void begin(Process& process, const std::string& text) {
  process.wait_for_out("ready");
  process.send_line();
  process.wait_for_out(text);
}

int run_workload(const Cgroup& cgroup, const std::vector<std::string>& arguments, int timeout_s) {
  Process process(workload(cgroup, arguments));
  process.wait_for_out("ready");
  process.send_line();
  return process.wait(timeout_s);
}

}  // namespace memspike::test
