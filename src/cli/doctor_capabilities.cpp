// What each capability is good for, and what is not there without it.
#include <fmt/format.h>
#include <linux/capability.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "cli/doctor_checks.h"
#include "rights/capabilities.h"

namespace memspike::cli {
namespace {

using views::Check;
using views::CheckState;

struct Useful {
  int capability;
  std::string_view check;
  std::string_view name;
  std::string_view good;
  std::string_view loss;
};

constexpr std::array kUseful{
    Useful{CAP_SYSLOG, "cap_syslog", "SYSLOG", "the kernel's log and the names of its functions may be read",
           "where kernel.dmesg_restrict and kernel.kptr_restrict ask for it, the kernel's own words on a "
           "kill are "
           "missing, and the kernel's frames of --stacks have no names"},
    Useful{CAP_SYS_PTRACE, "cap_sys_ptrace", "SYS_PTRACE", "--stacks finds the code of all processes",
           "--stacks has no names for the code of processes that have other users or more rights"},
    Useful{
        CAP_DAC_READ_SEARCH, "cap_dac_read_search", "DAC_READ_SEARCH",
        "files of other users are read: programs of --stacks, names of containers",
        "programs that only their owner may read have no names in --stacks, and containers of runtimes that "
        "keep their state from others have none either"},
    Useful{CAP_SYS_RESOURCE, "cap_sys_resource", "SYS_RESOURCE",
           "memspike can keep the OOM killer from choosing it",
           "the OOM killer may choose memspike itself, and the recording ends with the kill that it is for"},
};

Check capability_check(const Useful& useful, std::uint64_t capabilities, bool in_container) {
  // DAC_OVERRIDE allows what DAC_READ_SEARCH does.
  const bool is_there =
      rights::has_capability(capabilities, useful.capability) ||
      (useful.capability == CAP_DAC_READ_SEARCH && rights::has_capability(capabilities, CAP_DAC_OVERRIDE));
  if (is_there) return {std::string(useful.check), CheckState::good, std::string(useful.good)};
  return {std::string(useful.check), CheckState::degraded, std::string(useful.loss),
          in_container ? fmt::format("add {} to the container's capabilities", useful.name)
                       : fmt::format("run it with CAP_{}", useful.name)};
}

}  // namespace

std::vector<Check> capability_checks(const HostFacts& facts) {
  std::vector<Check> checks;
  for (const Useful& useful : kUseful) {
    checks.push_back(capability_check(useful, facts.capabilities, facts.in_container));
  }
  return checks;
}

std::vector<std::string> missing_for_bpf(const HostFacts& facts) {
  std::vector<std::string> missing;
  if (facts.has_bpf_capabilities()) return missing;
  if (!rights::has_capability(facts.capabilities, CAP_BPF)) missing.emplace_back("CAP_BPF");
  if (!rights::has_capability(facts.capabilities, CAP_PERFMON)) missing.emplace_back("CAP_PERFMON");
  return missing;
}

}  // namespace memspike::cli
