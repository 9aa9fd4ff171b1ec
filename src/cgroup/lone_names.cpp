#include "cgroup/lone_names.h"

#include <utility>

#include "cgroup/text.h"

namespace memspike::cgroup {
namespace {

constexpr std::size_t kUuidLength = 36;

bool is_uuid(std::string_view text) { return text.size() == kUuidLength && has_uid_syntax(text); }

}  // namespace

std::optional<LxcName> parse_lxc(std::string_view name, std::string_view parent) {
  for (const bool is_monitor : {false, true}) {
    const std::string_view kind = is_monitor ? "lxc.monitor" : "lxc.payload";
    if (parent == kind) return LxcName{std::string(name), is_monitor};
    const bool has_name = starts_with(name, kind) && name.size() > kind.size() + 1;
    if (has_name && name[kind.size()] == '.')
      return LxcName{std::string(name.substr(kind.size() + 1)), is_monitor};
  }
  return parent == "lxc" ? std::optional(LxcName{std::string(name), false}) : std::nullopt;
}

std::optional<TaskName> parse_task(std::string_view name) {
  if (ends_with(name, ".scope")) name.remove_suffix(6);
  if (is_uuid(name)) return TaskName{std::string(name), {}};
  if (name.size() < kUuidLength + 2) return std::nullopt;
  std::string_view allocation = name.substr(0, kUuidLength);
  std::string_view task = name.substr(kUuidLength);
  if (is_uuid(allocation) && task.front() == '.') {
    task.remove_prefix(1);
  } else {
    allocation = name.substr(name.size() - kUuidLength);
    task = name.substr(0, name.size() - kUuidLength);
    if (!is_uuid(allocation) || task.back() != '.') return std::nullopt;
    task.remove_suffix(1);
  }
  std::string called(task);
  called.append("-").append(allocation);
  return TaskName{std::string(name), std::move(called)};
}

std::optional<std::string> name_in_path(const Layout& layout) {
  if (!layout.container_id) return std::nullopt;
  if (layout.runtime == "lxc") return layout.container_id;
  const auto task = layout.runtime == "nomad" ? parse_task(*layout.container_id) : std::nullopt;
  return task ? task->name : std::nullopt;
}

bool is_task_of(std::string_view task, std::string_view name) {
  return name.size() == task.size() + 1 + kUuidLength && starts_with(name, task) &&
         name[task.size()] == '-' && is_uuid(name.substr(task.size() + 1));
}

}  // namespace memspike::cgroup
