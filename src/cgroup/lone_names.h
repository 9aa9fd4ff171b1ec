// Containers whose names stand in their cgroups' paths: those of LXC, and the tasks of Nomad. Pure string
// work.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cgroup/layout.h"

namespace memspike::cgroup {

struct LxcName {
  std::string name;
  bool is_monitor = false;  // a sibling of the container
};

// "lxc.payload.web" (since 4.0), "lxc.payload/web" (3.1), "lxc/web" (before, and Proxmox); its monitor is
// called "lxc.monitor" alike. Where a cgroup of that name is left over it is "lxc.payload.web-1".
std::optional<LxcName> parse_lxc(std::string_view name, std::string_view parent);

struct TaskName {
  std::string id;                   // without ".scope"
  std::optional<std::string> name;  // <task>-<allocation>, as Nomad's Docker driver calls its containers
};

// A task of Nomad's exec, java and raw_exec drivers, by its allocation: "<allocation>.<task>.scope" (v2),
// "<allocation>.<task>" (v1 since 1.7), "<task>.<allocation>" or "<allocation>" alone (v1 before).
std::optional<TaskName> parse_task(std::string_view name);

// What the path itself calls the container; nothing of those that a runtime names in a file.
std::optional<std::string> name_in_path(const Layout& layout);

// Whether a name like "web-<allocation>" is of this task.
bool is_task_of(std::string_view task, std::string_view name);

}  // namespace memspike::cgroup
