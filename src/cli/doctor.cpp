#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/own_limits.h"
#include "base/units.h"
#include "cgroup/hierarchy.h"
#include "cli/commands.h"
#include "cli/doctor_checks.h"
#include "cli/doctor_facts.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "probe/feature_names.h"
#include "probe/features.h"
#include "probe/probe.h"
#include "views/node/checkup.h"

namespace memspike::cli {
namespace {

using views::Check;
using views::CheckState;
using views::Checkup;

void append(std::vector<Check>& checks, std::vector<Check> more) {
  checks.insert(checks.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

void refuse(Checkup& checkup, const Error& error) {
  if (checkup.reason) return;  // the first reason is the one to change
  checkup.reason = error.message;
  if (!error.advice.empty()) checkup.advice = error.advice;
}

class Stopwatch {
 public:
  std::uint64_t elapsed_ns() const {
    const auto elapsed = std::chrono::steady_clock::now() - start_;
    return static_cast<std::uint64_t>(std::chrono::nanoseconds(elapsed).count());
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// The probe's own advice would be this very command, but for what is no fault of the kernel's.
std::string trial_advice(const HostFacts& facts) {
  if (const auto limit = too_tight_own_limit()) return limit->advice;
  return facts.lockdown == "confidentiality"
             ? "boot with lockdown=integrity or less"
             : "memspike does not know this kernel yet: please report it with `memspike doctor -f json`";
}

void fail_trial(Checkup& checkup, const HostFacts& facts, Error error) {
  error.advice = trial_advice(facts);
  checkup.checks.push_back({"attach", CheckState::blocking, error.message, error.advice});
  refuse(checkup, error);
}

// Not a promise but a proof: everything that a recording loads and hooks, with nothing tracked.
void try_probe(Checkup& checkup, const probe::Features& features, const HostFacts& facts) {
  const Stopwatch watch;
  auto probe = probe::Probe::load(features, probe::Options{});
  if (!probe) return fail_trial(checkup, facts, probe.error());
  const std::uint64_t load_ns = watch.elapsed_ns();
  if (auto attached = probe->attach(); !attached) return fail_trial(checkup, facts, attached.error());
  const std::uint64_t attach_ns = watch.elapsed_ns() - load_ns;
  probe->detach();
  checkup.tier = std::string(probe::to_string(probe->tier()));
  checkup.checks.push_back(
      probe->tier_reason().empty()
          ? Check{"charge_tier", CheckState::good,
                  "the counter is looked at in the kernel's charge functions, whoever moves it"}
          : Check{
                "charge_tier", CheckState::degraded,
                fmt::format("the tracepoint tier runs instead: a fall that others cause is seen within 1 ms, "
                            "not at once; {}",
                            probe->tier_reason()),
                "a kernel with BPF trampolines (fentry) or kprobes has it; peaks and spikes are as exact "
                "without"});
  checkup.hooks = probe->hooks();
  checkup.missing = probe->missing();
  checkup.checks.push_back({"map_memory", CheckState::good,
                            fmt::format("what is shared with the kernel takes {} of its memory",
                                        format_bytes(probe->map_bytes()))});
  std::string text = fmt::format("tried: programs loaded in {}, {} attached in {}, all removed again",
                                 format_duration(load_ns), views::counted(checkup.hooks.size(), "hook"),
                                 format_duration(attach_ns));
  if (checkup.missing.empty()) {
    checkup.checks.push_back({"attach", CheckState::good, std::move(text)});
    return;
  }
  text += fmt::format("; refused: {}", fmt::join(checkup.missing, "; "));
  checkup.checks.push_back({"attach", CheckState::degraded, std::move(text)});
}

Checkup examine(const DoctorCommand& command) {
  const probe::Features features = probe::find_features(command.disabled_features);
  const HostFacts facts = read_host_facts();
  const auto hierarchy = cgroup::find_hierarchy(command.common.roots);

  Checkup checkup;
  checkup.kernel_release = features.kernel_release;
  checkup.disabled = command.disabled_features;
  std::vector<Check> privileges = privilege_checks(features, facts);
  if (auto usable = probe::check_required(features); !usable) {
    // What helps depends on where it runs: sudo is nothing to a container.
    const Check& first = privileges.front();
    if (first.state == CheckState::blocking && first.advice) usable.error().advice = *first.advice;
    refuse(checkup, usable.error());
  }
  append(checkup.checks, std::move(privileges));
  append(checkup.checks, capability_checks(facts));
  append(checkup.checks, feature_checks(features));
  append(checkup.checks, cost_checks(facts));
  append(checkup.checks, node_checks(command.common.roots));
  append(checkup.checks, cgroup_checks(hierarchy, command.common.roots));
  if (hierarchy) {
    checkup.cgroup_mode = std::string(cgroup::to_string(hierarchy->mode));
  } else {
    refuse(checkup, hierarchy.error());
  }
  if (checkup.can_run()) try_probe(checkup, features, facts);
  return checkup;
}

}  // namespace

int execute(const DoctorCommand& command) {
  set_up_talk(command.common.quiet, command.common.verbose);
  if (auto known = probe::check_feature_names(command.disabled_features); !known)
    return complain(known.error());
  const Checkup checkup = examine(command);
  auto output = Output::open(std::nullopt, STDOUT_FILENO);
  if (!output) return complain(output.error());
  const std::string text = command.format == Format::json
                               ? views::render_checkup_json(checkup)
                               : views::render_checkup_text(checkup, style_for(STDOUT_FILENO));
  if (auto written = output->write(text); !written) return complain(written.error());
  return checkup.can_run() ? kExitDone : kExitUnsupported;
}

}  // namespace memspike::cli
