#include <fmt/core.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cgroup/hierarchy.h"
#include "cgroup/scan.h"
#include "cgroup/text.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/http_client.h"
#include "cli/output.h"
#include "cli/terminal.h"
#include "views/node/inventory.h"

namespace memspike::cli {
namespace {

// Into a pipe or a file goes everything: whole UIDs and paths, for grep and awk.
views::TextStyle list_style() {
  views::TextStyle style = style_for(STDOUT_FILENO);
  if (isatty(STDOUT_FILENO) == 0) style.columns = std::numeric_limits<unsigned>::max();
  return style;
}

void explain_emptiness(const cgroup::Hierarchy& hierarchy) {
  spdlog::info("no pods or containers here: no cgroup below {} is called as kubelets and Docker call them",
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

// Nothing where no service runs, or it may not be asked: the list is one without it.
views::WatchedByPath ask_what_is_watched(const std::string& socket) {
  views::WatchedByPath watched;
  const auto answer = ask_service(socket, "/v1/containers");
  const auto json = answer ? nlohmann::json::parse(*answer, nullptr, false) : nlohmann::json();
  if (!json.is_object() || !json.contains("containers") || !json["containers"].is_array()) return watched;
  const auto number = [](const nlohmann::json& each, const char* key) {
    const auto found = each.find(key);
    return found != each.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
  };
  for (const auto& each : json["containers"]) {
    if (!each.is_object() || !each.contains("cgroup") || !each["cgroup"].is_string()) continue;
    watched[each["cgroup"].get<std::string>()] = {number(each, "life_peak_bytes"),
                                                  number(each, "bursts_per_hour"), number(each, "kills")};
  }
  return watched;
}

}  // namespace

int execute(const ListCommand& command) {
  set_up_talk(command.common.quiet, command.common.verbose);
  const auto hierarchy = cgroup::find_hierarchy(command.common.roots);
  if (!hierarchy) return complain(hierarchy.error());
  cgroup::Names names(command.common.roots);
  const std::vector<cgroup::PodEntry> pods = cgroup::list_pods(*hierarchy, names);
  const std::vector<cgroup::ContainerEntry> lone = cgroup::list_lone_containers(*hierarchy, names);
  if (pods.empty() && lone.empty()) explain_emptiness(*hierarchy);
  explain_nameless(pods);

  auto output = Output::open(std::nullopt, STDOUT_FILENO);
  if (!output) return complain(output.error());
  const views::WatchedByPath watched = ask_what_is_watched(command.socket);
  const std::string text = command.format == Format::json
                               ? views::render_inventory_json(hierarchy->mode, pods, watched, lone)
                               : views::render_inventory_text(pods, list_style(), watched, lone);
  if (auto written = output->write(text); !written) return complain(written.error());
  return kExitDone;
}

}  // namespace memspike::cli
