// The features of the kernel: doctor_checks.cpp has the rest.

#include <fmt/core.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include "cli/doctor_checks.h"

namespace memspike::cli {
namespace {

using probe::Features;
using views::Check;
using views::CheckState;

// A feature that memspike can do without.
struct OptionalFeature {
  std::string_view name;
  bool Features::*flag;
  bool needs_bpf;  // found out by trying, so not without privileges
  std::string_view good;
  std::string_view loss;
  std::string_view advice;
};

constexpr std::string_view kTracepointAdvice = "run a distribution's kernel: CONFIG_TRACEPOINTS gives it";

constexpr std::string_view kLoading = "the right to load BPF programs";
constexpr std::string_view kTypes = "BTF";

constexpr std::array kOptional{
    OptionalFeature{"rdonly_cast", &Features::has_rdonly_cast, false,
                    "kernel memory is read by plain loads, the cheapest way",
                    "kernel memory is read by a helper call: a look at a counter costs some ns more",
                    "Linux 6.2 or newer has it"},
    OptionalFeature{
        "current_task_btf", &Features::has_current_task_btf, true,
        "the running task is a typed pointer: the cgroup of an allocation is a few loads away",
        "the running task is read by a helper call: every page event on the node costs some ns more",
        "Linux 5.11 or newer has it"},
    OptionalFeature{
        "timer", &Features::has_timer, true, "the kernel itself sweeps over all counters every 1 ms",
        "memspike sweeps from user space: falls caused by others are timed less exactly on a busy node",
        "Linux 5.15 or newer has it"},
    OptionalFeature{"task_stack", &Features::has_task_stack, true,
                    "--stacks: where a counter rises, kernel and user stacks are recorded",
                    "--stacks has no effect: nobody says where the memory was asked for",
                    "Linux 5.11 or newer has it"},
    OptionalFeature{"stack_copies", &Features::has_user_copies, true,
                    "--stacks: user stacks are unwound by the tables of their programs",
                    "--stacks: user stacks end where the code keeps no frame pointers",
                    "Linux 5.11 or newer has it"},
    OptionalFeature{"task_pt_regs", &Features::has_task_pt_regs, true,
                    "--stacks: the kernel says where a task's registers are",
                    "--stacks: registers are looked for where kernels before 5.15 keep them",
                    "Linux 5.15 or newer has it"},
    OptionalFeature{"reclaim_tracepoints", &Features::has_reclaim_tracepoints, false,
                    "falls by reclaim are seen at once",
                    "falls by reclaim are seen by the sweep, up to 1 ms late", kTracepointAdvice},
    OptionalFeature{"switch_tracepoint", &Features::has_switch_tracepoint, false,
                    "the last charge before a task sleeps is seen before it does",
                    "in the tracepoint tier, the last charge before a task sleeps is seen up to 1 ms late",
                    kTracepointAdvice},
    OptionalFeature{"cgroup_tracepoints", &Features::has_cgroup_tracepoints, false,
                    "containers are seen when they are made and removed",
                    "new containers are seen at their first page, removed ones at the next check",
                    kTracepointAdvice},
    OptionalFeature{"signal_tracepoint", &Features::has_signal_tracepoint, false,
                    "an OOM kill is told from the mark of a task that was dying already",
                    "the OOM killer's mark of a task that was dying already counts as a kill",
                    kTracepointAdvice},
};

// What check_required says when nothing but this is missing.
Check required(std::string name, bool Features::*flag, const Features& features, std::string good) {
  if (features.*flag) return {std::move(name), CheckState::good, std::move(good)};
  Features rest = features;
  for (const auto other :
       {&Features::may_load_bpf, &Features::has_btf, &Features::has_ring_buffer, &Features::has_tp_btf}) {
    rest.*other = other != flag;
  }
  const auto refused = probe::check_required(rest);
  if (refused) return {std::move(name), CheckState::degraded, "absent"};
  return {std::move(name), CheckState::blocking, refused.error().message, refused.error().advice};
}

Check unknown(std::string_view name, std::string_view what) {
  return {std::string(name), CheckState::unknown, fmt::format("could not be looked at: that takes {}", what)};
}

Check optional_check(const OptionalFeature& entry, const Features& features) {
  if (features.*entry.flag) return {std::string(entry.name), CheckState::good, std::string(entry.good)};
  if (entry.needs_bpf && !features.may_load_bpf) return unknown(entry.name, kLoading);
  return {std::string(entry.name), CheckState::degraded, std::string(entry.loss), std::string(entry.advice)};
}

Check mark_victim_check(const Features& features) {
  switch (features.mark_victim) {
    case probe::MarkVictim::takes_task:
      return {"mark_victim", CheckState::good,
              "OOM kills are seen; the tracepoint hands over the victim's task"};
    case probe::MarkVictim::takes_pid:
      return {"mark_victim", CheckState::good,
              "OOM kills are seen; the tracepoint hands over the victim's pid"};
    case probe::MarkVictim::absent:
      break;
  }
  return {"mark_victim", CheckState::degraded, "OOM kills are not seen", std::string(kTracepointAdvice)};
}

}  // namespace

std::vector<Check> feature_checks(const Features& features) {
  std::vector<Check> checks;
  checks.push_back(required("btf", &Features::has_btf, features,
                            "the kernel describes its types: fields are found by name, whatever its build"));
  if (features.has_ring_buffer || features.may_load_bpf) {
    checks.push_back(required("ring_buffer", &Features::has_ring_buffer, features,
                              "records reach memspike in order, and those that do not fit are counted"));
  } else {
    checks.push_back(unknown("ring_buffer", kLoading));
  }
  // What is in the BTF cannot be known without it; pretending that there is none leaves the rest as it is.
  const bool has_types = features.has_btf || features.has_tp_btf;
  checks.push_back(has_types ? required("tp_btf", &Features::has_tp_btf, features,
                                        "every page allocated or freed triggers a look at the counter")
                             : unknown("tp_btf", kTypes));
  for (const OptionalFeature& entry : kOptional) {
    const bool lookable = has_types || entry.needs_bpf;
    checks.push_back(lookable ? optional_check(entry, features) : unknown(entry.name, kTypes));
  }
  checks.push_back(has_types ? mark_victim_check(features) : unknown("mark_victim", kTypes));
  return checks;
}

}  // namespace memspike::cli
