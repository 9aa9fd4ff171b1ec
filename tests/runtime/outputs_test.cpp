// Outputs that fail or stall, and signals that come meanwhile.
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <sstream>
#include <thread>

#include "harness.h"

using namespace memspike::test;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// A second, where the machine is as fast as others.
double soon() { return in_guest() ? 10.0 : 1.0; }

// The signal, and how long it took to end the process. Its code is in `code`.
double end_by(Process& process, int signal, int& code) {
  const auto begin = Clock::now();
  process.signal(signal);
  code = process.wait();
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Its stdout is a socket whose other end is never read, and which takes little.
class StalledReader {
 public:
  StalledReader() {
    int ends[2] = {};
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    reader_ = ends[0];
    writer_ = ends[1];
    constexpr int kLittle = 4096;
    REQUIRE(setsockopt(writer_, SOL_SOCKET, SO_SNDBUF, &kLittle, sizeof kLittle) == 0);
  }
  ~StalledReader() {
    close(reader_);
    close(writer_);
  }
  StalledReader(const StalledReader&) = delete;
  StalledReader& operator=(const StalledReader&) = delete;

  std::function<void()> as_stdout() const {
    return [writer = writer_] { dup2(writer, STDOUT_FILENO); };
  }

 private:
  int reader_ = -1;
  int writer_ = -1;
};

// A FIFO that somebody has opened and does not read.
class StalledFifo {
 public:
  explicit StalledFifo(const fs::path& path) {
    REQUIRE(mkfifo(path.c_str(), 0600) == 0);
    reader_ = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    REQUIRE(reader_ >= 0);
    fcntl(reader_, F_SETPIPE_SZ, 4096);
  }
  ~StalledFifo() { close(reader_); }
  StalledFifo(const StalledFifo&) = delete;
  StalledFifo& operator=(const StalledFifo&) = delete;

 private:
  int reader_ = -1;
};

std::string on_bad_disk() {
  return fs::read_symlink("/proc/self/exe").parent_path() / "memspike_on_bad_disk";
}

std::string trace_report(const fs::path& trace) {
  Process process({{memspike_path(), "report", trace.string(), "-f", "json"}, nullptr, {}});
  CHECK(process.wait() == 0);
  return process.out();
}

}  // namespace

TEST_CASE("who waits for the reader of a pipe can be ended", "[outputs]") {
  const Cgroup cgroup("/" + unique_name("fifo"), 64U << 20);
  const TempDir dir;
  const std::string fifo = (dir / "fifo").string();
  REQUIRE(mkfifo(fifo.c_str(), 0600) == 0);
  for (const char* option : {"-o", "--csv", "--record"}) {
    for (const int signal : {SIGINT, SIGTERM}) {
      INFO(option << " " << signal);
      Process process({{memspike_path(), "record", "--cgroup", cgroup.path(), option, fifo}, nullptr, {}});
      std::this_thread::sleep_for(milliseconds(100));
      int code = 0;
      CHECK(end_by(process, signal, code) < soon());
      CHECK(code == 128 + signal);
    }
  }
}

TEST_CASE("a signal ends it at every stage of its beginning", "[outputs]") {
  const Cgroup cgroup("/" + unique_name("stages"), 64U << 20);
  const TempDir dir;
  const std::string report = (dir / "report.json").string();
  const int steps = in_guest() ? 6 : 16;
  const milliseconds step(in_guest() ? 700 : 60);
  int whole = 0;
  for (int i = 0; i < steps; ++i) {
    INFO("after " << i * step.count() << " ms");
    Process process(
        {{memspike_path(), "record", "--cgroup", cgroup.path(), "-f", "json", "-o", report}, nullptr, {}});
    std::this_thread::sleep_for(milliseconds(10) + i * step);
    int code = 0;
    CHECK(end_by(process, i % 2 == 0 ? SIGTERM : SIGINT, code) < soon());
    // Before there was anything to tell, or with the report.
    const bool is_early = code == 128 + (i % 2 == 0 ? SIGTERM : SIGINT);
    CHECK((is_early || code == 0));
    if (code != 0) continue;
    ++whole;
    CHECK(Json::parse(read_file(report)).contains("memcgs"));
  }
  CHECK(whole > 0);
}

TEST_CASE("a signal ends it though nobody reads its report", "[outputs]") {
  const Cgroup cgroup("/" + unique_name("stalled"), 64U << 20);
  const StalledReader reader;
  for (const char* format : {"html", "csv"}) {
    INFO(format);
    Process process({{memspike_path(), "record", "--cgroup", cgroup.path(), "-f", format},
                     nullptr,
                     {},
                     reader.as_stdout()});
    process.wait_for_err("recording;");
    REQUIRE(run_workload(cgroup, {"anon", "32M", "--repeat", "20"}) == 0);
    int code = 0;
    CHECK(end_by(process, SIGTERM, code) < 1.3 * soon());
    CHECK(code == 1);
    INFO(process.err());
    CHECK(holds(process.err(), "gave up on stdout: it took nothing for"));
  }
}

TEST_CASE("a second signal ends it at once, and the first where a report is written anyway", "[outputs]") {
  const Cgroup cgroup("/" + unique_name("second"), 64U << 20);
  const StalledReader reader;
  const auto start = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments{memspike_path(), "record", "--cgroup", cgroup.path(), "-f", "html"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    auto process = std::make_unique<Process>(Process::Options{arguments, nullptr, {}, reader.as_stdout()});
    process->wait_for_err("recording;");
    return process;
  };
  int code = 0;
  const auto twice = start({});
  twice->signal(SIGINT);
  std::this_thread::sleep_for(milliseconds(150));
  CHECK(end_by(*twice, SIGINT, code) < 0.3 * soon());
  CHECK(code == 128 + SIGINT);
  // Nobody is in a hurry: it waits for its reader, but not when it is asked for the end.
  const auto timed = start({"-d", "200ms"});
  std::this_thread::sleep_for(milliseconds(in_guest() ? 4000 : 1500));
  CHECK_FALSE(status_of(timed->pid(), "Pid").empty());
  CHECK(end_by(*timed, SIGTERM, code) < 0.3 * soon());
  CHECK(code == 128 + SIGTERM);
}

TEST_CASE("a reader who takes his time gets all of the report", "[outputs]") {
  const Cgroup cgroup("/" + unique_name("slow"), 64U << 20);
  int ends[2] = {};
  REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
  Process process(
      {{memspike_path(), "record", "--cgroup", cgroup.path(), "-f", "html", "-d", "100ms"}, nullptr, {}, [&] {
         dup2(ends[1], STDOUT_FILENO);
       }});
  close(ends[1]);
  process.wait_for_err("recording;");
  std::this_thread::sleep_for(milliseconds(1200));
  std::string text;
  char bytes[4096];
  for (ssize_t size = 0; (size = read(ends[0], bytes, sizeof bytes)) > 0;) {
    text.append(bytes, static_cast<std::size_t>(size));
    std::this_thread::sleep_for(milliseconds(1));
  }
  close(ends[0]);
  CHECK(process.wait() == 0);
  CHECK(holds(text, "</html>"));
}

TEST_CASE("a side output that nobody reads costs no samples, and the report says what is missing",
          "[outputs]") {
  const Cgroup cgroup("/" + unique_name("unread"), 200U << 20);
  const TempDir dir;
  const StalledFifo csv(dir / "csv");
  const StalledFifo trace(dir / "trace");
  const std::string report_file = (dir / "report.json").string();
  Process process({{memspike_path(), "record", "--cgroup", cgroup.path(), "-f", "json", "-o", report_file,
                    "--csv", (dir / "csv").string(), "--record", (dir / "trace").string()},
                   nullptr,
                   {}});
  process.wait_for_err("recording;");
  REQUIRE(run_workload(cgroup, {"anon", "64M", "--repeat", "20"}) == 0);
  int code = 0;
  CHECK(end_by(process, SIGINT, code) < 1.3 * soon());
  CHECK(code == 1);
  const Json report = Json::parse(read_file(report_file));
  check_identity(report);
  CHECK(lost_total(report) == 0);
  CHECK(memcg_of(report, cgroup.path()).at("spikes").size() >= 20);
  const std::string notes = report.at("notes").dump();
  INFO(notes);
  CHECK(holds(notes, "the timeline lacks its end"));
  CHECK(holds(notes, "the recording lacks its end"));
  CHECK(holds(process.err(), "the timeline lacks its end"));
}

TEST_CASE("a full disk below timeline and recording costs neither the report nor the rest", "[outputs]") {
  const Cgroup cgroup("/" + unique_name("full"), 200U << 20);
  const TempDir dir;
  const TempDir full;
  const std::string report_file = (dir / "report.json").string();
  Process process({{memspike_path(), "record", "--cgroup", cgroup.path(), "-f", "json", "-o", report_file,
                    "--csv", (full / "timeline.csv").string(), "--record", (full / "trace").string()},
                   nullptr,
                   {},
                   [&] {
                     const bool is_apart = unshare(CLONE_NEWNS) == 0 &&
                                           mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                                           mount("tmpfs", full.path().c_str(), "tmpfs", 0, "size=64k") == 0;
                     if (!is_apart) _exit(126);
                   }});
  process.wait_for_err("recording;");
  REQUIRE(run_workload(cgroup, {"anon", "64M", "--repeat", "20"}) == 0);
  process.wait_for_err("the recording ends early");
  process.wait_for_err("the timeline ends early");
  REQUIRE(run_workload(cgroup, {"anon", "128M"}) == 0);  // it goes on
  process.signal(SIGINT);
  CHECK(process.wait() == 1);
  const Json report = Json::parse(read_file(report_file));
  const Json memcg = memcg_of(report, cgroup.path());
  CHECK(counter(memcg.at("usage"), "peak_bytes") >= 128U << 20);
  check_identity(report);
  const std::string notes = report.at("notes").dump();
  INFO(notes);
  CHECK(holds(notes, "timeline.csv: No space left on device"));
  CHECK(holds(notes, "trace: No space left on device"));
  CHECK(holds(notes, "of the timeline were not written to"));
}

TEST_CASE("a disk that fails while it syncs ends the recording, not the report", "[outputs][host]") {
  const Cgroup cgroup("/" + unique_name("eio"), 200U << 20);
  const TempDir dir;
  const std::string report_file = (dir / "report.json").string();
  Process process({{on_bad_disk(), "record", "--cgroup", cgroup.path(), "-f", "json", "-o", report_file,
                    "--record", (dir / "trace").string()},
                   nullptr,
                   {},
                   [&] { setenv("BAD_DISK_EIO_AFTER", "1", 1); }});
  process.wait_for_err("the recording ends early");
  REQUIRE(run_workload(cgroup, {"anon", "64M"}) == 0);
  process.signal(SIGINT);
  CHECK(process.wait() == 1);
  const Json report = Json::parse(read_file(report_file));
  CHECK(memcg_of(report, cgroup.path()).at("spikes").size() == 1);
  CHECK(holds(report.at("notes").dump(), "trace: Input/output error"));
}

TEST_CASE("what is promised to outlive a crash is on the disk", "[outputs][host]") {
  const Cgroup cgroup("/" + unique_name("synced"), 64U << 20);
  const TempDir dir;
  const std::string trace = (dir / "trace").string();
  const std::string report = (dir / "report.json").string();
  const auto prepare = [&] { setenv("BAD_DISK_LOG", (dir / "log").c_str(), 1); };
  Process process({{on_bad_disk(), "record", "--cgroup", cgroup.path(), "-f", "json", "-o", report,
                    "--record", trace, "-d", "2600ms"},
                   nullptr,
                   {},
                   prepare});
  CHECK(process.wait() == 0);
  std::istringstream calls(read_file(dir / "log"));
  std::vector<std::string> lines;
  for (std::string line; std::getline(calls, line);) lines.push_back(line);
  const auto count = [&](const std::string& text) { return std::count(lines.begin(), lines.end(), text); };
  CHECK(count("fdatasync " + trace) >= 4);            // each half second, and at its end
  CHECK(count("fsync " + dir.path().string()) >= 2);  // the names of both
  CHECK(std::any_of(lines.begin(), lines.end(), [](const std::string& line) {
    return holds(line, "fsync ") && holds(line, "/.report.json.");  // before it takes its place
  }));
  CHECK(Json::parse(trace_report(trace)).contains("memcgs"));
}
