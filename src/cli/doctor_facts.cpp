#include "cli/doctor_facts.h"

#include <linux/capability.h>
#include <unistd.h>

#include <charconv>
#include <limits>
#include <string_view>

#include "cgroup/host_files.h"
#include "cgroup/text.h"

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

std::uint64_t read_capabilities() {
  constexpr std::string_view kKey = "CapEff:\t";
  const std::string status = read_file("/proc/self/status");
  const std::size_t at = status.find(kKey);
  if (at == std::string::npos) return 0;
  std::uint64_t value = 0;
  std::from_chars(status.data() + at + kKey.size(), status.data() + status.size(), value, 16);
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

bool has_bit(std::uint64_t set, unsigned bit) { return (set >> bit & 1) != 0; }

}  // namespace

bool HostFacts::has_bpf_capabilities() const {
  return has_bit(capabilities, CAP_SYS_ADMIN) ||
         (has_bit(capabilities, CAP_BPF) && has_bit(capabilities, CAP_PERFMON));
}

HostFacts read_host_facts() {
  HostFacts facts;
  facts.uid = geteuid();
  facts.capabilities = read_capabilities();
  facts.in_initial_user_namespace = is_initial_user_namespace();
  facts.lockdown = read_lockdown();
  facts.bpf_jit_enable = read_setting("/proc/sys/net/core/bpf_jit_enable");
  facts.bpf_stats_enabled = read_setting("/proc/sys/kernel/bpf_stats_enabled");
  return facts;
}

}  // namespace memspike::cli
