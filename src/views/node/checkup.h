// What `memspike doctor` found, and how it is shown.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "report/report.h"
#include "views/kit/style.h"

namespace memspike::views {

enum class CheckState {
  good,
  degraded,  // memspike runs, with a loss that `detail` names
  blocking,  // memspike cannot run
  unknown,   // could not be looked at: needs what another check lacks
};

struct Check {
  std::string name;
  CheckState state = CheckState::good;
  std::string detail;                   // what is there or not, and what that means for the user
  std::optional<std::string> advice{};  // the one thing to change
};

struct Checkup {
  std::string kernel_release;
  std::optional<std::string> cgroup_mode;  // "v1", "v2", "hybrid"; unset: memory is not accounted
  std::optional<std::string> tier;         // that would run
  std::optional<std::string> reason;       // why memspike cannot run here; unset: it can
  std::optional<std::string> advice;       // what to do about the reason
  std::vector<facts::Hook> hooks;          // that were attached, and removed again
  std::vector<std::string> missing;        // optional hooks that the kernel refused
  std::vector<Check> checks;
  std::vector<std::string> disabled;  // features that were pretended to be absent

  bool can_run() const { return !reason.has_value(); }
};

// A line for each check, its advice below it, the verdict last.
std::string render_checkup_text(const Checkup& checkup, const TextStyle& style);

// {"schema_version":1,…}: null for what is absent, always valid UTF-8.
std::string render_checkup_json(const Checkup& checkup);

}  // namespace memspike::views
