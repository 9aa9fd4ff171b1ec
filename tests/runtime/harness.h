// Memory cgroups, processes in them, and memspike recording them: for real.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace memspike::test {

namespace fs = std::filesystem;
using Json = nlohmann::json;

std::string memspike_path();
std::string workload_path();
fs::path oracle_path(const std::string& name);

// A directory that is removed with its owner.
class TempDir {
 public:
  explicit TempDir(const fs::path& parent = fs::temp_directory_path());
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const fs::path& path() const { return dir_; }
  fs::path operator/(const std::string& name) const { return dir_ / name; }

 private:
  fs::path dir_;
};

std::string read_file(const fs::path& path);

// A report as JSON; it must be as the schema says.
Json parse_report(const std::string& text);
void write_file(const fs::path& path, const std::string& text);

// Whether this is a virtual machine of tests/vm.
bool in_guest();

// Of the machine that the tests run on.
std::uint64_t page_bytes();

// The memory hierarchy, found without memspike's help.
bool memory_is_v2();
fs::path memory_mount();

// A memory cgroup that is removed with its owner (its processes must be gone).
class Cgroup {
 public:
  // `path`: relative to the mount, "/memspike-test-…" or "/kubepods…"; parents are made as needed.
  explicit Cgroup(const std::string& path, std::optional<std::uint64_t> limit_bytes = {});
  ~Cgroup();
  Cgroup(const Cgroup&) = delete;
  Cgroup& operator=(const Cgroup&) = delete;

  const std::string& path() const { return path_; }
  fs::path dir() const { return dir_; }
  void set_limit(std::uint64_t bytes);
  void remove();

  // The kernel's own numbers. peak: nullopt on v2 before 5.19.
  std::optional<std::uint64_t> kernel_peak() const;
  std::uint64_t usage() const;
  std::uint64_t oom_kills() const;
  std::uint64_t limit_hits() const;  // charges that its limit refused

 private:
  std::string path_;
  fs::path dir_;
  std::vector<fs::path> made_;  // deepest last
};

// A line of /proc/PID/status; "": there is none. The processes that it forked.
std::string status_of(pid_t pid, const std::string& key);
std::vector<pid_t> children_of(pid_t pid);

// A name of the project's own that no other test run uses.
std::string unique_name(const std::string& stem);
// A pod UID likewise.
std::string unique_uid();

// A child process, its output in a file, its stdin a pipe. Killed and reaped with its owner.
class Process {
 public:
  struct Options {
    std::vector<std::string> arguments;
    const Cgroup* cgroup = nullptr;  // it is in there before it executes
    std::optional<uid_t> uid;
    std::function<void()> prepare = {};  // in the child, before it executes
  };
  explicit Process(Options options);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  void send_line();  // to its stdin
  void signal(int number) const;
  // Exit code, or 128 + signal. Fails the test when it takes longer.
  int wait(int timeout_s = 120);
  std::string out() const;
  std::string err() const;
  // Waits until stderr (or stdout) holds the text.
  void wait_for_err(const std::string& text, int timeout_s = 200) const;
  void wait_for_out(const std::string& text, int timeout_s = 200) const;

 private:
  pid_t pid_ = -1;
  int stdin_ = -1;
  TempDir dir_;
};

// `memspike record … -f json`, up and recording when the constructor returns.
class Recorder {
 public:
  explicit Recorder(std::vector<std::string> arguments, bool wait_until_ready = true);

  Process& process() { return *process_; }
  // Ends it with SIGINT, and gives its report.
  Json stop();
  // Waits until it ends by itself.
  Json wait();
  fs::path csv() const { return dir_ / "timeline.csv"; }
  fs::path json() const { return dir_ / "report.json"; }

 private:
  Json report();
  TempDir dir_;
  std::optional<Process> process_;
};

// The report's entry of one memcg.
Json memcg_of(const Json& report, const std::string& path);
// Of equally high ones the first; there must be one.
Json highest_spike(const Json& memcg);
Json highest_burst(const Json& memcg);
std::uint64_t counter(const Json& object, const char* name);
// Of what a session may not lose on any machine. A firing that was skipped because an interrupt came in the
// middle of the same program (by memspike itself before Linux 6.1, by the kernel since) is named in every
// report, but is nobody's fault.
std::uint64_t lost_total(const Json& report);

// triggers = samples + unchanged + lost by cause.
void check_identity(const Json& report);

// Starts the workload in the cgroup, and returns when it is ready to begin.
Process::Options workload(const Cgroup& cgroup, std::vector<std::string> arguments);

// Lets a workload that waits begin, and returns when it says `text`.
void begin(Process& process, const std::string& text);

// Runs it to its end.
int run_workload(const Cgroup& cgroup, const std::vector<std::string>& arguments, int timeout_s = 120);

}  // namespace memspike::test
