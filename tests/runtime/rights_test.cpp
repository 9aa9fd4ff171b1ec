// What memspike can still do while it records.
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <functional>
#include <set>
#include <sstream>
#include <thread>

#include "harness.h"

using namespace memspike::test;

namespace {

// CAP_SYS_PTRACE, CAP_SYS_RESOURCE, CAP_SYSLOG, CAP_PERFMON, CAP_BPF: what a pod has to be given.
const std::set<unsigned> kOfThePod{19, 24, 34, 38, 39};

// As a container of a pod with the host's PID namespace, its root at /host, and these capabilities: a cgroup
// namespace of its own, no /dev/kmsg, no privilege escalation. Runtimes hand down their own limits:
// containerd may lock what it likes.
std::function<void()> as_pod(const fs::path& host, const std::set<unsigned>& capabilities,
                             rlim_t locked_bytes = RLIM_INFINITY) {
  return [host, capabilities, locked_bytes] {
    const rlimit locked{locked_bytes, locked_bytes};
    setrlimit(RLIMIT_MEMLOCK,
              &locked);  // where the tests themselves may not raise it, no kernel counts by it
    const bool is_apart = unshare(CLONE_NEWNS | CLONE_NEWCGROUP) == 0 &&
                          mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                          mount("/", host.c_str(), nullptr, MS_BIND | MS_REC, nullptr) == 0 &&
                          mount("tmpfs", "/dev", "tmpfs", 0, "mode=755") == 0 &&
                          mknod("/dev/null", S_IFCHR | 0666, makedev(1, 3)) == 0;
    if (!is_apart) _exit(126);
    for (unsigned capability = 0; capability < 64; ++capability) {
      if (capabilities.count(capability) == 0) prctl(PR_CAPBSET_DROP, capability, 0, 0, 0);
    }
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  };
}

std::vector<std::string> on_host(const fs::path& host, std::vector<std::string> arguments) {
  arguments.insert(arguments.end(),
                   {"--host-root", host.string(), "--cgroup-root", (host / "sys/fs/cgroup").string()});
  return arguments;
}

constexpr std::uint64_t bit(unsigned capability) { return std::uint64_t{1} << capability; }

}  // namespace

TEST_CASE("while it records, memspike has few capabilities, no new privileges and a filter",
          "[rights][anytier]") {
  const Cgroup cgroup("/" + unique_name("rights"), 200U << 20);
  const TempDir dir;
  Recorder recorder({"--cgroup", cgroup.path(), "--stacks", "--record", (dir / "recording").string()});
  const pid_t pid = recorder.process().pid();
  // CAP_DAC_READ_SEARCH, CAP_SYSLOG, CAP_BPF; the helper that reads symbols: CAP_SYS_PTRACE and
  // CAP_CHECKPOINT_RESTORE.
  const std::uint64_t kept = bit(2) | bit(34) | bit(39);
  const std::uint64_t kept_by_helpers = bit(2) | bit(19) | bit(40);
  auto processes = children_of(pid);
  CHECK(processes.size() == 2);
  processes.push_back(pid);
  for (const pid_t process : processes) {
    // A helper may be on its way there; until then it reads nothing of anybody's.
    for (int i = 0; i < 200 && status_of(process, "Seccomp") != "2"; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    CHECK(status_of(process, "NoNewPrivs") == "1");
    CHECK(status_of(process, "Seccomp") == "2");
  }
  for (const char* set : {"CapEff", "CapPrm", "CapInh", "CapAmb"}) {
    INFO(set);
    CHECK((std::stoull(status_of(pid, set), nullptr, 16) & ~kept) == 0);
    for (const pid_t helper : children_of(pid)) {
      CHECK((std::stoull(status_of(helper, set), nullptr, 16) & ~kept_by_helpers) == 0);
    }
  }
  REQUIRE(run_workload(cgroup, {"anon", "32M"}) == 0);
  const Json report = recorder.stop();
  CHECK(memcg_of(report, cgroup.path()).at("spikes").size() >= 1);
  const bool has_stacks = report.at("notes").dump().find("without stacks") == std::string::npos;
  CHECK((!has_stacks || report.at("stacks").size() >= 1));                       // Linux 5.10 has none
  for (const pid_t helper : processes) CHECK(status_of(helper, "Pid").empty());  // nobody is left behind
}

TEST_CASE("a report is written in the name of whose file it is", "[rights][host]") {
  const TempDir dir;
  constexpr uid_t kSomebody = 12345;
  REQUIRE(chmod(dir.path().c_str(), 0755) == 0);
  REQUIRE(chown(dir.path().c_str(), kSomebody, kSomebody) == 0);
  write_file(dir / "report.json", "old");
  REQUIRE(chown((dir / "report.json").c_str(), kSomebody, kSomebody) == 0);
  Process run(
      {{memspike_path(), "run", "-q", "-f", "json", "-o", (dir / "report.json").string(), "--", "/bin/true"},
       nullptr,
       {}});
  REQUIRE(run.wait() == 0);
  struct stat status {};
  REQUIRE(stat((dir / "report.json").c_str(), &status) == 0);
  CHECK(status.st_uid == kSomebody);
  CHECK(parse_report(read_file(dir / "report.json")).contains("memcgs"));
}

TEST_CASE("five capabilities and a private cgroup namespace are enough", "[rights][pod][anytier]") {
  const Cgroup own("/" + unique_name("agent"));
  const Cgroup cgroup("/" + unique_name("pod"), 200U << 20);
  const TempDir host;
  const TempDir out;
  const std::string file = (out / "report.json").string();
  Process recorder({on_host(host.path(), {memspike_path(), "record", "--cgroup", cgroup.path(), "-f", "json",
                                          "--duration", "4s", "-o", file}),
                    &own,
                    {},
                    as_pod(host.path(), kOfThePod)});
  recorder.wait_for_err("recording;");
  REQUIRE(run_workload(cgroup, {"anon", "32M"}) == 0);
  const int code = recorder.wait();
  INFO(recorder.err());
  REQUIRE(code == 0);
  const Json report = parse_report(read_file(file));
  CHECK(memcg_of(report, cgroup.path()).at("spikes").size() == 1);
  check_identity(report);
  CHECK(lost_total(report) == 0);
}

namespace {

// What doctor says of itself as such a container.
Json checkup(std::function<void()> prepare, const fs::path& host, int code, std::optional<uid_t> uid = {}) {
  const Cgroup own("/" + unique_name("agent"));
  Process process({on_host(host, {memspike_path(), "doctor", "-f", "json"}), &own, uid, std::move(prepare)});
  const int ended = process.wait();
  INFO(process.out() << process.err());
  CHECK(ended == code);
  return Json::parse(process.out());
}

Json check_of(const Json& checkup, const std::string& name) {
  for (const Json& check : checkup.at("checks")) {
    if (check.at("name") == name) return check;
  }
  return Json();
}

bool holds(const Json& value, const std::string& text) {
  return value.dump().find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("doctor says what is missing, and nothing false", "[rights][pod][anytier]") {
  const TempDir host;
  const auto doctor = [&](const std::set<unsigned>& capabilities, int code) {
    return checkup(as_pod(host.path(), capabilities), host.path(), code);
  };
  const Json whole = doctor(kOfThePod, 0);
  INFO(whole.dump(1));
  CHECK(check_of(whole, "privileges").at("state") == "good");
  CHECK(check_of(whole, "cgroup").at("state") == "good");
  CHECK_FALSE(holds(whole, "pods outside are not found"));
  CHECK(check_of(whole, "cap_syslog").at("state") == "good");
  CHECK(check_of(whole, "cap_sys_ptrace").at("state") == "good");
  CHECK(check_of(whole, "cap_dac_read_search").at("state") == "degraded");
  CHECK(check_of(whole, "kernel_log").at("state") == "good");
  CHECK(check_of(whole, "proc").at("state") == "good");

  const Json no_perfmon = doctor({39, 34}, 4);
  const std::string reason = check_of(no_perfmon, "privileges").at("detail");
  CHECK(reason.find("CAP_PERFMON") != std::string::npos);
  CHECK(reason.find("CAP_BPF") == std::string::npos);
  CHECK_FALSE(holds(no_perfmon, "run it privileged"));
  CHECK(check_of(no_perfmon, "cap_sys_ptrace").at("state") == "degraded");

  const Json no_log = doctor({38, 39}, 0);
  CHECK(check_of(no_log, "kernel_log").at("state") == "degraded");
  CHECK(check_of(no_log, "cap_syslog").at("state") == "degraded");
}

TEST_CASE("doctor tells a container of another user what helps there, and not sudo",
          "[rights][pod][anytier]") {
  const TempDir host;
  REQUIRE(chmod(host.path().c_str(), 0755) == 0);
  constexpr uid_t kNobody = 65534;
  const Json other = checkup(as_pod(host.path(), kOfThePod), host.path(), 4, kNobody);
  INFO(other.dump(1));
  CHECK_FALSE(holds(other, "sudo"));
  CHECK(holds(other, "runAsUser: 0"));
  CHECK(check_of(other, "privileges").at("state") == "blocking");
}

TEST_CASE("doctor notices a /proc that numbers processes by itself", "[rights][pod][anytier]") {
  const TempDir host;
  const auto prepare = [enter = as_pod(host.path(), kOfThePod), &host] {
    // A PID namespace of its own is for its children: the child goes on, and its parent ends as it does.
    if (unshare(CLONE_NEWPID) != 0) _exit(126);
    const pid_t child = fork();
    if (child > 0) {
      int status = 0;
      waitpid(child, &status, 0);
      _exit(WEXITSTATUS(status));
    }
    enter();
    const std::string proc = (host.path() / "proc").string();
    umount2(proc.c_str(), MNT_DETACH);
    if (mount("proc", "/proc", "proc", 0, nullptr) != 0) _exit(126);
    if (mount("proc", proc.c_str(), "proc", 0, nullptr) != 0) _exit(126);
  };
  const Json apart = checkup(prepare, host.path(), 0);
  INFO(apart.dump(1));
  CHECK(check_of(apart, "proc").at("state") == "degraded");
  CHECK(holds(check_of(apart, "proc"), "hostPID"));
}

TEST_CASE("doctor says when only a limit is in the way", "[rights][pod][anytier]") {
  const TempDir host;
  // SYS_RESOURCE could raise it. Kernels from 5.11 on do not ask for it.
  Process kernel({{memspike_path(), "doctor", "-f", "json"}, nullptr, {}});
  kernel.wait();
  const std::string release = Json::parse(kernel.out()).at("kernel_release");
  const bool counts_locked = release.rfind("5.10", 0) == 0 || release.rfind("5.8", 0) == 0;
  const Json limited =
      checkup(as_pod(host.path(), {34, 38, 39}, 64U << 10), host.path(), counts_locked ? 4 : 0);
  INFO(limited.dump(1));
  CHECK(holds(limited, "RLIMIT_MEMLOCK") == counts_locked);
  CHECK(holds(limited.at("advice"), "SYS_RESOURCE") == counts_locked);
}
