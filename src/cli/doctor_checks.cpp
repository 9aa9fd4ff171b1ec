// Privileges, settings and cgroups; doctor_features.cpp has the kernel's features.
#include "cli/doctor_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "capture/live/kernel_log.h"
#include "cgroup/files.h"
#include "cgroup/scan.h"
#include "cgroup/text.h"
#include "process/reader.h"
#include "views/kit/style.h"

namespace memspike::cli {
namespace {

using views::Check;
using views::CheckState;

// To the right to load BPF programs. Kubernetes gives capabilities to no user but root.
std::string how_to_get_in(const HostFacts& facts) {
  if (!facts.in_container) return "run it with sudo";
  if (facts.uid != 0) {
    return "run the container as root (runAsUser: 0) and add BPF and PERFMON to its capabilities: nobody "
           "else "
           "gets any";
  }
  return "add BPF and PERFMON to the container's capabilities";
}

// The kernel's answer counts; ids and capabilities only explain a refusal.
Check privileges(const probe::Features& features, const HostFacts& facts) {
  const std::string who = facts.uid == 0 ? "root" : fmt::format("uid {}", facts.uid);
  if (!features.may_load_bpf && !facts.has_bpf_capabilities()) {
    return {"privileges", CheckState::blocking,
            fmt::format("{} without {}: no right to load BPF programs", who,
                        fmt::join(missing_for_bpf(facts), " and ")),
            how_to_get_in(facts)};
  }
  if (!features.may_load_bpf && !facts.in_initial_user_namespace) {
    return {
        "privileges", CheckState::blocking,
        fmt::format("{} of a user namespace only: to the node's kernel that is no right to load BPF programs",
                    who),
        "start it on the node itself, or in a privileged container without a user namespace"};
  }
  return {"privileges", CheckState::good, fmt::format("{} with the capabilities that BPF takes", who)};
}

Check bpf(const probe::Features& features, bool privileged) {
  if (features.own_limit) {
    return {"bpf", CheckState::blocking, features.own_limit->message, features.own_limit->advice};
  }
  if (features.may_load_bpf) return {"bpf", CheckState::good, "the kernel takes BPF programs"};
  const std::string& error = features.may_load_bpf_error;
  Check check{"bpf", CheckState::blocking,
              fmt::format("the kernel refuses BPF programs{}{}", error.empty() ? "" : ": ", error)};
  // Without privileges there is but one thing to change, and it has been said.
  if (const auto usable = probe::check_required(features); privileged && !usable) {
    check.advice = usable.error().advice;
  }
  return check;
}

Check lockdown(const HostFacts& facts) {
  if (facts.lockdown != "confidentiality") {
    return {"lockdown", CheckState::good,
            facts.lockdown == "none" ? "off" : fmt::format("{}, which leaves BPF alone", facts.lockdown)};
  }
  return {"lockdown", CheckState::degraded,
          "confidentiality: BPF programs may not read kernel memory by helpers",
          "boot with lockdown=integrity or less"};
}

Check jit(const HostFacts& facts) {
  const std::string on = "sysctl net.core.bpf_jit_enable=1";
  if (!facts.bpf_jit_enable) {
    return {"bpf_jit", CheckState::unknown,
            "not visible here: a network namespace hides it, or this kernel has no JIT compiler"};
  }
  switch (*facts.bpf_jit_enable) {
    case 0:
      return {"bpf_jit", CheckState::degraded,
              "off: BPF programs are interpreted, each look costs several times more", on};
    case 1:
      return {"bpf_jit", CheckState::good, "on: BPF programs run as machine code"};
    default:
      return {"bpf_jit", CheckState::degraded,
              "in debug mode: every BPF program is dumped into the kernel's log", on};
  }
}

Check stats(const HostFacts& facts) {
  if (facts.bpf_stats_enabled.value_or(0) == 0) {
    return {"bpf_stats", CheckState::good, "off: the kernel does not time each run of a program"};
  }
  return {"bpf_stats", CheckState::degraded,
          "on: the kernel reads the clock twice for each run of a program, on every page event of the node",
          "sysctl kernel.bpf_stats_enabled=0"};
}

// From a cgroup namespace below, the hierarchy's root looks like "/../../..".
bool is_whole(std::string_view mount_root) {
  for (const std::string_view part : cgroup::split(mount_root, '/')) {
    if (part != "..") return false;
  }
  return true;
}

Check hierarchy_check(const cgroup::Hierarchy& hierarchy) {
  const std::string where = hierarchy.memory_mount.string();
  std::string text = fmt::format("v{}: memory is accounted in {}", hierarchy.memory_is_v2 ? 2 : 1, where);
  if (hierarchy.mode == cgroup::Mode::hybrid) {
    text =
        fmt::format("hybrid: memory is accounted by cgroup v{} in {}", hierarchy.memory_is_v2 ? 2 : 1, where);
  }
  if (is_whole(hierarchy.mount_root)) return {"cgroup", CheckState::good, std::move(text)};
  return {"cgroup", CheckState::degraded,
          fmt::format("{}, but only the part {} of the hierarchy is visible: pods outside are not found",
                      text, hierarchy.mount_root),
          "mount the host's /sys/fs/cgroup into this container and name it with --cgroup-root"};
}

// One memcg tells for all; v2's root is none, its pods' cgroups are.
Check kernel_peak(const cgroup::Hierarchy& hierarchy) {
  bool found = false;
  std::optional<cgroup::KernelPeak> peak;
  cgroup::walk_memcgs(hierarchy, "/", [&](const std::string& path) {
    const auto dir = cgroup::memcg_dir(hierarchy, path);
    found = cgroup::is_memcg(dir);
    if (found) peak = cgroup::read_kernel_peak(dir);
    return !found;
  });
  if (!found) return {"kernel_peak", CheckState::unknown, "no cgroup with memory files is there to look at"};
  if (peak) {
    return {"kernel_peak", CheckState::good,
            fmt::format("{} is there to hold the traced peak against", peak->source)};
  }
  return {"kernel_peak", CheckState::degraded,
          "no memory.peak: `list` shows no peaks, `record` compares with the counter's own watermark instead",
          "Linux 5.19 or newer has it"};
}

Check pods_check(const cgroup::Hierarchy& hierarchy, const cgroup::Roots& roots) {
  const auto pods = cgroup::list_pods(hierarchy, roots);
  if (pods.empty()) {
    return {"pods", CheckState::good,
            "none on this node: `memspike run` and `record --cgroup` or `--pid` do without"};
  }
  const auto named = static_cast<std::uint64_t>(
      std::count_if(pods.begin(), pods.end(), [](const auto& pod) { return pod.pod.has_value(); }));
  std::string text = views::counted(pods.size(), "pod") + " on this node, ";
  if (named == pods.size()) return {"pods", CheckState::good, text + "known by name"};
  text += named == 0 ? "not known by name: target a pod by UID"
                     : fmt::format("{} of them not known by name: target those by UID",
                                   views::grouped(pods.size() - named));
  return {
      "pods", CheckState::degraded, std::move(text),
      "names come from /var/log/pods, which only root may read; in a container, mount the host's and point "
      "--host-root at it"};
}

Check kernel_log_check() {
  if (capture::KernelLog::open_at_end().is_readable()) {
    return {"kernel_log", CheckState::good, "the kernel's own words on each OOM kill can be read"};
  }
  return {"kernel_log", CheckState::degraded,
          "neither /dev/kmsg nor syslog(2) may be read: kills are seen, but not what the kernel says of them",
          "add SYSLOG to the container's capabilities, or run it as root"};
}

Check processes_check(const cgroup::Roots& roots) {
  if (process::Reader(roots.host_root).usable()) {
    return {"proc", CheckState::good, "processes are known by name and command line"};
  }
  return {"proc", CheckState::degraded,
          "this /proc numbers processes by itself: culprits have no command lines, --stacks no names",
          "give the container the host's processes (hostPID), or mount the host's /proc and point "
          "--host-root at it"};
}

}  // namespace

std::vector<Check> node_checks(const cgroup::Roots& roots) {
  return {kernel_log_check(), processes_check(roots)};
}

std::vector<Check> privilege_checks(const probe::Features& features, const HostFacts& facts) {
  Check first = privileges(features, facts);
  const bool privileged = first.state == CheckState::good;
  return {std::move(first), bpf(features, privileged), lockdown(facts)};
}

std::vector<Check> cost_checks(const HostFacts& facts) { return {jit(facts), stats(facts)}; }

std::vector<Check> cgroup_checks(const Result<cgroup::Hierarchy>& hierarchy, const cgroup::Roots& roots) {
  if (!hierarchy) {
    const Error& error = hierarchy.error();
    return {{"cgroup", CheckState::blocking, error.message,
             error.advice.empty() ? std::nullopt : std::optional(error.advice)}};
  }
  return {hierarchy_check(*hierarchy), kernel_peak(*hierarchy), pods_check(*hierarchy, roots)};
}

}  // namespace memspike::cli
