#include "cli/doctor_facts.h"

#include <linux/capability.h>
#include <sys/stat.h>
#include <unistd.h>

#include <charconv>
#include <limits>
#include <string_view>

#include "cgroup/host_files.h"
#include "cgroup/text.h"
#include "rights/capabilities.h"

namespace memspike::cli {
namespace {

constexpr std::size_t kMaxBytes = 64 * 1024;

std::string read_file(const char* path) { return cgroup::read_small_file(path, kMaxBytes).value_or(""); }

std::optional<int> read_setting(const char* path) {
  const std::string text = read_file(path);
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end == text.data()) return std::nullopt;
  return value;
}

// The initial user namespace maps every id to itself.
bool is_initial_user_namespace() {
  const std::string map = read_file("/proc/self/uid_map");
  if (map.empty()) return true;  // a kernel without user namespaces
  const auto words = cgroup::split(map, ' ');
  return words.size() == 3 && words[0] == "0" && words[1] == "0" &&
         cgroup::starts_with(words[2], "4294967295");
}

// "none [integrity] confidentiality"; no file where the kernel has no lockdown.
std::string read_lockdown() {
  const std::string text = read_file("/sys/kernel/security/lockdown");
  const std::size_t open = text.find('[');
  const std::size_t close = text.find(']');
  if (open == std::string::npos || close == std::string::npos || close < open) return "none";
  return text.substr(open + 1, close - open - 1);
}

// PROC_CGROUP_INIT_INO and PROC_PID_INIT_INO of include/linux/proc_ns.h. A container has at least one of
// these namespaces to itself.
bool has_own_namespace() {
  constexpr ino_t kInitialCgroups = 0xEFFFFFFB;
  constexpr ino_t kInitialPids = 0xEFFFFFFC;
  const auto is_initial = [](const char* path, ino_t initial) {
    struct stat status {};
    return stat(path, &status) != 0 || status.st_ino == initial;
  };
  return !is_initial("/proc/self/ns/cgroup", kInitialCgroups) ||
         !is_initial("/proc/self/ns/pid", kInitialPids);
}

}  // namespace

bool HostFacts::has_bpf_capabilities() const {
  return rights::has_capability(capabilities, CAP_SYS_ADMIN) ||
         (rights::has_capability(capabilities, CAP_BPF) && rights::has_capability(capabilities, CAP_PERFMON));
}

HostFacts read_host_facts() {
  HostFacts facts;
  facts.uid = geteuid();
  facts.capabilities = rights::effective_capabilities();
  facts.in_container = has_own_namespace();
  facts.in_initial_user_namespace = is_initial_user_namespace();
  facts.lockdown = read_lockdown();
  facts.bpf_jit_enable = read_setting("/proc/sys/net/core/bpf_jit_enable");
  facts.bpf_stats_enabled = read_setting("/proc/sys/kernel/bpf_stats_enabled");
  return facts;
}

}  // namespace memspike::cli
