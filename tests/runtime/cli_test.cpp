// What a user meets: exit codes, hostile names, no root, a full disk.
#include <catch2/catch.hpp>
#include <csignal>

#include "harness.h"

using namespace memspike::test;

namespace {

struct Ended {
  int code;
  std::string out;
  std::string err;
};

Ended run_memspike(std::vector<std::string> arguments, std::optional<uid_t> uid = {}) {
  arguments.insert(arguments.begin(), memspike_path());
  Process process({std::move(arguments), nullptr, uid});
  const int code = process.wait();
  return {code, process.out(), process.err()};
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("run exits as its command did, and reports on stderr", "[cli]") {
  CHECK(run_memspike({"run", "-q", "--", "/bin/true"}).code == 0);
  CHECK(run_memspike({"run", "-q", "--", "/bin/sh", "-c", "exit 7"}).code == 7);
  CHECK(run_memspike({"run", "-q", "--", "/bin/sh", "-c", "kill -TERM $$"}).code == 128 + SIGTERM);
  CHECK(run_memspike({"run", "-q", "--", "/no/such/command"}).code == 127);
  CHECK(run_memspike({"run", "-q", "--", "/etc/passwd"}).code == 126);
  const Ended killed = run_memspike({"run", "--limit", "16Mi", "--", workload_path(), "oom", "--max", "64M"});
  CHECK(killed.code == 128 + SIGKILL);
  CHECK(contains(killed.err, "OOM-killed"));
  CHECK(!contains(killed.out, "OOM-killed"));
}

TEST_CASE("run gives JSON on stdout beside the command's own output", "[cli]") {
  const Ended ended =
      run_memspike({"run", "-f", "json", "--limit", "64Mi", "--", workload_path(), "anon", "8M"});
  REQUIRE(ended.code == 0);
  const Json report = Json::parse(ended.out.substr(
      ended.out.find("{\n") != std::string::npos ? ended.out.find("{\n") : ended.out.find("{\"")));
  CHECK(report.at("schema_version") == 1);
  check_identity(report);
}

TEST_CASE("a target that is not there ends with 3, a malformed call with 2", "[cli]") {
  CHECK(run_memspike({"record", "--pod-uid", "ffffffff-0000-0000-0000-000000000000"}).code == 3);
  CHECK(run_memspike({"record", "--cgroup", "/memspike-test-absent"}).code == 3);
  CHECK(run_memspike({"record", "--pid", "4194303"}).code == 3);
  CHECK(run_memspike({"record"}).code == 2);
  CHECK(run_memspike({"record", "--pod-uid", "abc"}).code == 2);
  CHECK(run_memspike({"record", "--cgroup", "/x", "-d", "30"}).code == 2);
  CHECK(run_memspike({"record", "--cgroup", "/x", "--min-prominence", "50Xi"}).code == 2);
  CHECK(run_memspike({"frobnicate"}).code == 2);
  CHECK(run_memspike({"--help"}).code == 0);
  CHECK(contains(run_memspike({"--version"}).out, "memspike "));
}

TEST_CASE("an ambiguous UID lists its candidates and ends with 3", "[cli]") {
  const std::string uid = unique_uid();
  const std::string twin = uid.substr(0, 8) + "-1111-2222-3333-444444444444";
  const Cgroup first("/kubepods/burstable/pod" + uid);
  const Cgroup second("/kubepods/burstable/pod" + twin);
  const Ended ended = run_memspike({"record", "--pod-uid", uid.substr(0, 8)});
  CHECK(ended.code == 3);
  CHECK(contains(ended.err, uid));
  CHECK(contains(ended.err, twin));
}

TEST_CASE("without root it says so in one line and ends with 4", "[cli]") {
  const Cgroup cgroup("/" + unique_name("noroot"), 64U << 20);
  const Ended ended = run_memspike({"record", "--cgroup", cgroup.path()}, 65534);
  CHECK(ended.code == 4);
  CHECK(contains(ended.err, "root"));
}

TEST_CASE("an output that cannot be written is an error before or after, never silence", "[cli]") {
  const Cgroup cgroup("/" + unique_name("output"), 64U << 20);
  CHECK(run_memspike({"record", "--cgroup", cgroup.path(), "-o", "/no/such/dir/x", "-d", "100ms"}).code == 1);
  for (const char* format : {"text", "json", "csv", "html"}) {
    const Ended full =
        run_memspike({"record", "--cgroup", cgroup.path(), "-f", format, "-o", "/dev/full", "-d", "100ms"});
    CHECK(full.code == 1);
    CHECK(contains(full.err, "No space left"));
  }
}

TEST_CASE("missing kernel features degrade by exactly that feature, or end with 4", "[cli][host]") {
  const Cgroup cgroup("/" + unique_name("feature"), 400U << 20);
  for (const char* required : {"btf", "ring_buffer", "tp_btf", "bpf"}) {
    const Ended ended =
        run_memspike({"record", "--cgroup", cgroup.path(), "--disable-feature", required, "-d", "100ms"});
    INFO(required << ": " << ended.err);
    CHECK(ended.code == 4);
  }
  for (const char* optional :
       {"rdonly_cast", "current_task_btf", "timer", "reclaim_tracepoints", "cgroup_tracepoints",
        "switch_tracepoint", "signal_tracepoint", "task_stack", "mark_victim"}) {
    DYNAMIC_SECTION(optional) {
      std::vector<std::string> arguments{"--cgroup", cgroup.path(), "--disable-feature", optional};
      if (std::string(optional) == "current_task_btf") {
        arguments.insert(arguments.end(), {"--disable-feature", "rdonly_cast"});
      }
      Recorder recorder(arguments);
      REQUIRE(run_workload(cgroup, {"anon", "32M", "--repeat", "2"}) == 0);
      const Json report = recorder.stop();
      const Json memcg = memcg_of(report, cgroup.path());
      CHECK(memcg.at("usage").at("peak_bytes") == memcg.at("kernel_peak_bytes"));
      CHECK(counter(memcg.at("usage"), "peak_bytes") >= 32U << 20);
      CHECK(!memcg.at("spikes").empty());
      CHECK(lost_total(report) == 0);
      check_identity(report);
    }
  }
}

TEST_CASE("a hostile process name stays a name", "[cli]") {
  const TempDir dir;
  const std::string name = "\x1b[31m,\"\n<b>\xff\xfe";
  std::error_code error;
  fs::copy_file(workload_path(), dir / name, error);
  REQUIRE(!error);
  for (const char* format : {"text", "json", "csv", "html"}) {
    const Ended ended = run_memspike({"run", "-q", "-f", format, "-o", (dir / "out").string(), "--limit",
                                      "8Mi", "--", (dir / name).string(), "oom", "--max", "64M"});
    CHECK(ended.code == 128 + SIGKILL);
    const std::string text = read_file(dir / "out");
    REQUIRE(!text.empty());
    CHECK(!contains(text, "\x1b"));
    CHECK(!contains(text, "\xff"));
    if (std::string(format) == "html") {
      CHECK(contains(text, "<script type=\"text/plain\" id=\"rows-0-0\">"));
      CHECK(!contains(text, "<b>"));
    }
    if (std::string(format) == "json") {
      const Json report = Json::parse(text);
      const std::string comm = report.at("memcgs").at(0).at("oom_kills").at(0).at("comm");
      CHECK(contains(comm, "\x1b[31m,\"\n<b>"));
    }
  }
}
