#include <fmt/core.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "cgroup/hierarchy.h"
#include "cgroup/scan.h"
#include "cgroup/text.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "report/inventory.h"

namespace memspike::cli {
namespace {

// Into a pipe or a file goes everything: whole UIDs and paths, for grep and awk.
report::TextStyle list_style() {
  report::TextStyle style = style_for(STDOUT_FILENO);
  if (isatty(STDOUT_FILENO) == 0) style.columns = std::numeric_limits<unsigned>::max();
  return style;
}

void explain_emptiness(const cgroup::Hierarchy& hierarchy) {
  spdlog::info("no pods here: no cgroup below {} is called as kubelets call them",
               cgroup::printable(hierarchy.memory_mount.string()));
  if (hierarchy.mount_root != "/") {
    spdlog::info(
        "only the part {} of the hierarchy is mounted there, as in a container: "
        "mount the host's, and name it with --cgroup-root",
        cgroup::printable(hierarchy.mount_root));
    return;
  }
  spdlog::info(
      "trace a command with `memspike run -- COMMAND`, any cgroup with `memspike record --cgroup PATH`; "
      "if the node's hierarchy is mounted elsewhere, name it with --cgroup-root DIR");
}

// The logs' directories, which tell the names, are closed to others.
void explain_nameless(const std::vector<cgroup::PodEntry>& pods) {
  const bool any = std::any_of(pods.begin(), pods.end(), [](const auto& pod) { return !pod.pod; });
  if (any && geteuid() != 0) spdlog::info("some names are missing: as root, /var/log/pods would tell them");
}

}  // namespace

int execute(const ListCommand& command) {
  set_up_talk(command.common.quiet, command.common.verbose);
  const auto hierarchy = cgroup::find_hierarchy(command.common.roots);
  if (!hierarchy) return complain(hierarchy.error());
  const std::vector<cgroup::PodEntry> pods = cgroup::list_pods(*hierarchy, command.common.roots);
  if (pods.empty()) explain_emptiness(*hierarchy);
  explain_nameless(pods);

  auto output = Output::open(std::nullopt, STDOUT_FILENO);
  if (!output) return complain(output.error());
  const std::string text = command.format == Format::json
                               ? report::render_inventory_json(hierarchy->mode, pods)
                               : report::render_inventory_text(pods, list_style());
  if (auto written = output->write(text); !written) return complain(written.error());
  return kExitDone;
}

}  // namespace memspike::cli
