// What a user meets: exit codes, hostile names, no root, a full disk.
#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <csignal>
#include <ctime>
#include <set>
#include <string>
#include <vector>

#include "harness.h"

using namespace memspike::test;

namespace {

struct Ended {
  int code;
  std::string out;
  std::string err;
};

Ended run_program(std::vector<std::string> arguments, std::optional<uid_t> uid = {}) {
  Process process({std::move(arguments), nullptr, uid});
  const int code = process.wait();
  return {code, process.out(), process.err()};
}

Ended run_memspike(std::vector<std::string> arguments, std::optional<uid_t> uid = {}) {
  arguments.insert(arguments.begin(), memspike_path());
  return run_program(std::move(arguments), uid);
}

// Below limits that a shell sets for it.
Ended run_limited(const std::string& ulimit, const std::string& arguments) {
  return run_program({"/bin/sh", "-c", ulimit + " && exec " + memspike_path() + " " + arguments});
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
  const Json report = parse_report(ended.out.substr(
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

namespace {

std::set<std::string> hooks_of(const Json& report) {
  std::set<std::string> hooks;
  for (const Json& hook : report.at("session").at("hooks")) {
    hooks.insert(hook.at("event").get<std::string>() + " by " + hook.at("attach").get<std::string>());
  }
  return hooks;
}

// A kernel without an optional feature, and all that changes: hooks that are there no more, and what the
// report says about it.
struct Degraded {
  const char* feature;
  std::set<std::string> hooks_lost;
  const char* note;  // nullptr: nothing is lost but some ns
};

const std::vector<Degraded>& degradations() {
  static const std::vector<Degraded> all{
      {"rdonly_cast", {}, nullptr},
      {"current_task_btf", {}, nullptr},
      {"task_stack", {}, nullptr},
      {"timer",
       {"sweep by bpf_timer"},
       "without bpf_timer: the kernel lacks it; the sweep is driven from user space"},
      {"reclaim_tracepoints",
       {"mm_vmscan_memcg_reclaim_begin by tp_btf", "mm_vmscan_memcg_reclaim_end by tp_btf"},
       "without mm_vmscan_memcg_reclaim_begin: the kernel lacks it; "},
      {"cgroup_tracepoints",
       {"cgroup_attach_task by tp_btf", "cgroup_mkdir by tp_btf", "cgroup_rmdir by tp_btf"},
       "without cgroup_mkdir: the kernel lacks it; "},
      {"switch_tracepoint", {"sched_switch by tp_btf"}, "without sched_switch: the kernel lacks it; "},
      {"signal_tracepoint", {"signal_generate by tp_btf"}, "without signal_generate: the kernel lacks it; "},
      {"mark_victim",
       {"mark_victim by tp_btf", "signal_generate by tp_btf"},
       "without mark_victim: the kernel lacks it; OOM kills are not seen"},
  };
  return all;
}

// In a cgroup of its own: the kernel's maximum must be this recording's.
Json record_a_spike(const std::vector<std::string>& more) {
  const Cgroup cgroup("/" + unique_name("feature"), 400U << 20);
  std::vector<std::string> arguments{"--cgroup", cgroup.path(), "--tier", "tracepoint"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  Recorder recorder(arguments);
  REQUIRE(run_workload(cgroup, {"anon", "32M", "--repeat", "2"}) == 0);
  Json report = recorder.stop();
  const Json memcg = memcg_of(report, cgroup.path());
  CHECK(memcg.at("usage").at("peak_bytes") == memcg.at("kernel_peak_bytes"));
  CHECK(counter(memcg.at("usage"), "peak_bytes") >= 32U << 20);
  CHECK(!memcg.at("spikes").empty());
  CHECK(lost_total(report) == 0);
  check_identity(report);
  return report;
}

}  // namespace

TEST_CASE("a misspelled command or option is answered by the nearest one", "[cli]") {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
      {{"zzz"}, "memspike: there is no command \"zzz\"\n"},
      {{"recrod"}, "memspike: there is no command \"recrod\"; did you mean record?\n"},
      {{"record", "--podd-uid", "3f2a"},
       "memspike: record has no option \"--podd-uid\"; did you mean --pod-uid?\n"},
      {{"list", "--fromat=json"}, "memspike: list has no option \"--fromat\"; did you mean --format?\n"},
      {{"\x1blist"}, "memspike: there is no command \"\\x1blist\"; did you mean list?\n"},
  };
  for (const auto& [arguments, line] : cases) {
    const Ended ended = run_memspike(arguments);
    CHECK(ended.code == 2);
    CHECK(ended.err == line + "Try `memspike --help`.\n");
    CHECK(ended.out.empty());
  }
}

TEST_CASE("a first word that is no command is answered with the one it is for", "[cli]") {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"shop/checkout-7d9f", "`memspike record shop/checkout-7d9f`"},
      {"3f2a1b4c", "`memspike record 3f2a1b4c`"},
      {workload_path(), "`memspike run -- " + workload_path() + "`"},
      {"sh", "`memspike run -- sh`"},
  };
  for (const auto& [word, meant] : cases) {
    const Ended ended = run_memspike({word});
    CHECK(ended.code == 2);
    CHECK(contains(ended.err, "there is no command \"" + word + "\"; did you mean " + meant + "?"));
  }
}

TEST_CASE("help is a command, and no command is a question for it", "[cli]") {
  const Ended whole = run_memspike({"--help"});
  CHECK(run_memspike({"help"}).out == whole.out);
  const Ended nothing = run_memspike({});
  CHECK(nothing.code == 2);
  CHECK(nothing.out.empty());
  CHECK(nothing.err == whole.out);
  for (const char* command : {"record", "run", "report", "list", "doctor"}) {
    const Ended help = run_memspike({"help", command});
    CHECK(help.code == 0);
    CHECK(help.out == run_memspike({command, "--help"}).out);
    CHECK(contains(help.out, "--quiet"));
  }
  CHECK(run_memspike({"help", "recrod"}).code == 2);
}

TEST_CASE("a target is found by its bare name", "[cli]") {
  const std::string name = unique_name("bare");
  const Cgroup cgroup("/" + name, 64U << 20);
  for (const std::string& target : {name, "/" + name, cgroup.dir().string()}) {
    const Ended ended = run_memspike({"record", target, "-d", "100ms", "-f", "json"});
    INFO(ended.err);
    REQUIRE(ended.code == 0);
    CHECK(parse_report(ended.out).at("target").at("cgroup") == "/" + name);
  }
  const std::string uid = unique_uid();
  const Cgroup pod("/kubepods/burstable/pod" + uid, 64U << 20);
  const Ended ended = run_memspike({"record", uid.substr(0, 13), "-d", "100ms", "-f", "json"});
  REQUIRE(ended.code == 0);
  CHECK(parse_report(ended.out).at("target").at("pod_uid") == uid);
  const Ended absent = run_memspike({"record", "memspike-test-nothing", "-d", "100ms"});
  CHECK(absent.code == 3);
  CHECK(contains(absent.err, "nothing on this node is called memspike-test-nothing"));
  CHECK(run_memspike({"record", name, "--cgroup", "/" + name}).code == 2);
  CHECK(run_memspike({"record", "--cgroup", "/" + name, "--wait", "5"}).code == 2);
  const Ended waited = run_memspike({"record", "--wait=50ms", "memspike-test-ns/nothing"});
  CHECK(waited.code == 3);
  CHECK(contains(waited.err, "did not appear in time"));
}

TEST_CASE("the command of run needs no dashes before it", "[cli]") {
  CHECK(run_memspike({"run", "-q", "sh", "-c", "exit 7"}).code == 7);
  CHECK(run_memspike({"run", "-qf", "json", "-o", "/dev/null", "sh", "-c", "exit $#", "--", "a", "b"}).code ==
        2);
  CHECK(run_memspike({"run", "--limit=64Mi", "sh", "-c", "echo \"$0 $1\"", "--quiet", "--"}).out ==
        "--quiet --\n");
  CHECK(run_memspike({"run", "-q"}).code == 2);
  CHECK(run_memspike({"run", "-q", "--"}).code == 2);
  const Ended misspelled = run_memspike({"run", "--limti", "64Mi", "--", "true"});
  CHECK(misspelled.code == 2);
  CHECK(contains(misspelled.err, "did you mean --limit?"));
}

TEST_CASE("without a feature that it needs, it ends with 4, one line and one advice", "[cli]") {
  const Cgroup cgroup("/" + unique_name("floor"));
  for (const char* required : {"btf", "ring_buffer", "tp_btf", "bpf"}) {
    const Ended ended =
        run_memspike({"record", "--cgroup", cgroup.path(), "--disable-feature", required, "-d", "100ms"});
    INFO(required << ": " << ended.err);
    CHECK(ended.code == 4);
    CHECK(std::count(ended.err.begin(), ended.err.end(), '\n') == 2);
    CHECK(ended.out.empty());
  }
}

TEST_CASE("a limit of memspike's own process is named as that, not as a lack of the kernel", "[cli]") {
  for (const char* const arguments : {"run -q -- /bin/true", "doctor"}) {
    const Ended files = run_limited("ulimit -n 24", arguments);
    CHECK(files.code == 4);
    CHECK(contains(files.out + files.err, "RLIMIT_NOFILE"));
    CHECK(contains(files.out + files.err, "ulimit -Hn"));
    const Ended memory = run_limited("ulimit -v 20000", arguments);
    CHECK(memory.code == 4);
    CHECK(contains(memory.out + memory.err, "RLIMIT_AS"));
    CHECK(!contains(memory.out + memory.err, "carries no BTF"));
  }
}

TEST_CASE("a soft limit of open files does not count, and the command has it back", "[cli]") {
  const Ended ended = run_limited("ulimit -Sn 24", "run -q -- /bin/sh -c 'ulimit -Sn'");
  CHECK(ended.code == 0);
  CHECK(ended.out == "24\n");
}

TEST_CASE("in a time namespace each moment is the node's", "[cli][host]") {
  // To the second; in this form texts stand in the order of time.
  const auto utc_now = [] {
    std::array<char, 32> text{};
    const std::time_t now = std::time(nullptr);
    std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", std::gmtime(&now));
    return std::string(text.data());
  };
  for (const char* const shift_s : {"100000", "-500"}) {
    if (run_program({"/usr/bin/unshare", "-T", "--monotonic", shift_s, "/bin/true"}).code != 0) return;
    const std::string before = utc_now();
    const Ended ended =
        run_program({"/usr/bin/unshare", "-T", "--monotonic", shift_s, memspike_path(), "run", "-q", "-f",
                     "json", "--limit", "64Mi", "--", workload_path(), "anon", "16M", "--hold", "50ms"});
    REQUIRE(ended.code == 0);
    const Json report = parse_report(ended.out.substr(ended.out.find("{\n")));
    const Json spike = highest_spike(report.at("memcgs").at(0));
    CHECK(spike.at("peak_utc").get<std::string>().substr(0, before.size()) >= before);
    CHECK(spike.at("peak_utc").get<std::string>().substr(0, before.size()) <= utc_now());
    check_identity(report);
  }
}

TEST_CASE("missing kernel features degrade by exactly that feature", "[cli][host]") {
  const std::set<std::string> all_hooks = hooks_of(record_a_spike({}));
  for (const Degraded& degraded : degradations()) {
    DYNAMIC_SECTION(degraded.feature) {
      std::vector<std::string> off{"--disable-feature", degraded.feature};
      if (std::string(degraded.feature) == "current_task_btf") {
        off.insert(off.end(), {"--disable-feature", "rdonly_cast"});
      }
      const Json report = record_a_spike(off);
      std::set<std::string> lost = all_hooks;
      for (const std::string& hook : hooks_of(report)) lost.erase(hook);
      CHECK(lost == degraded.hooks_lost);
      const std::string notes = report.at("notes").dump();
      CHECK((notes.find("without ") == std::string::npos) == (degraded.note == nullptr));
      if (degraded.note != nullptr) CHECK(contains(notes, degraded.note));
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
      const Json report = parse_report(text);
      const std::string comm = report.at("memcgs").at(0).at("oom_kills").at(0).at("comm");
      CHECK(contains(comm, "\x1b[31m,\"\n<b>"));
    }
  }
}
