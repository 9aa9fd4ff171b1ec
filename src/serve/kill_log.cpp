#include "serve/kill_log.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/unique_fd.h"
#include "base/units.h"
#include "base/utf8.h"
#include "cgroup/lone_names.h"
#include "cgroup/text.h"
#include "serve/files.h"
#include "views/kit/escape.h"

namespace memspike::serve {
namespace {

using Json = nlohmann::json;

constexpr const char* kLogFile = "kills.jsonl";
constexpr const char* kLogFileBefore = "kills.jsonl.1";
constexpr std::size_t kLeastOfAnId = 4;
constexpr std::size_t kLongestLine = 16'384;

template <class T>
T get(const Json& object, const char* key, T otherwise) {
  const auto found = object.find(key);
  if (found == object.end()) return otherwise;
  if constexpr (std::is_same_v<T, std::string>) {
    return found->is_string() ? found->get<std::string>() : otherwise;
  } else {
    return found->is_number_unsigned() ? found->get<T>() : otherwise;
  }
}

}  // namespace

std::string to_line(const KillRecord& kill) {
  const auto text = [](const std::string& bytes) { return views::escape_terminal(bytes); };
  Json object = {{"number", kill.number},
                 {"kind", kill.is_hang ? "hang" : "kill"},
                 {"time_ns", kill.realtime_ns},
                 {"namespace", text(kill.subject.namespace_name)},
                 {"pod", text(kill.subject.pod)},
                 {"container", text(kill.subject.container)},
                 {"pod_uid", text(kill.pod_uid)},
                 {"container_id", text(kill.container_id)},
                 {"cgroup", text(kill.path)},
                 {"cgroup_id", kill.cgroup_id},
                 {"pid", kill.pid},
                 {"comm", text(kill.comm)},
                 {"by", std::string(kKilledBy[static_cast<std::size_t>(kill.by)])},
                 {"limit_cgroup", text(kill.limit_path)},
                 {"usage_bytes", kill.usage_bytes},
                 {"dossier", kill.dossier},
                 {"no_dossier", kill.no_dossier},
                 {"count", kill.count}};
  object["limit_bytes"] = kill.limit_bytes ? Json(*kill.limit_bytes) : Json();
  return object.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::optional<KillRecord> from_line(std::string_view line) {
  if (line.size() > kLongestLine) return std::nullopt;
  const Json object = Json::parse(line, nullptr, false);
  if (!object.is_object() || !object.contains("number")) return std::nullopt;
  KillRecord kill;
  kill.number = get(object, "number", std::uint64_t{0});
  kill.is_hang = get(object, "kind", std::string()) == "hang";
  kill.realtime_ns = get(object, "time_ns", std::uint64_t{0});
  kill.subject = {get(object, "namespace", std::string()), get(object, "pod", std::string()),
                  get(object, "container", std::string())};
  kill.pod_uid = get(object, "pod_uid", std::string());
  kill.container_id = get(object, "container_id", std::string());
  kill.path = get(object, "cgroup", std::string());
  kill.cgroup_id = get(object, "cgroup_id", std::uint64_t{0});
  kill.pid = get(object, "pid", std::uint32_t{0});
  kill.comm = get(object, "comm", std::string());
  const auto by = std::find(kKilledBy.begin(), kKilledBy.end(), get(object, "by", std::string()));
  if (by != kKilledBy.end()) kill.by = static_cast<KilledBy>(by - kKilledBy.begin());
  kill.limit_path = get(object, "limit_cgroup", std::string());
  kill.usage_bytes = get(object, "usage_bytes", std::uint64_t{0});
  if (object.contains("limit_bytes") && object["limit_bytes"].is_number_unsigned())
    kill.limit_bytes = object["limit_bytes"].get<std::uint64_t>();
  kill.dossier = get(object, "dossier", std::string());
  kill.no_dossier = get(object, "no_dossier", std::string());
  kill.count = get(object, "count", std::uint64_t{1});
  return kill;
}

std::string sentence_of(const KillRecord& kill) {
  const std::string who = views::escape_terminal(label_of(kill.subject));
  const std::string when = format_utc(kill.realtime_ns);
  if (kill.is_hang) return fmt::format("{} hangs at a limit since {}\n", who, when);
  constexpr std::array<std::string_view, kKilledBy.size()> kBy{"by its own limit", "by its pod's limit",
                                                               "by a limit above its pod", "by the node",
                                                               "(by which limit is not known)"};
  std::string text = fmt::format("{} was OOM-killed {}", who, kBy[static_cast<std::size_t>(kill.by)]);
  if (kill.count > 1 || kill.pid == 0)
    return text + fmt::format(": {} in all, known at {}\n",
                              kill.count == 1 ? "once" : fmt::format("{} times", kill.count), when);
  text += fmt::format(" at {}: {} ({})", when, views::escape_terminal(kill.comm), kill.pid);
  if (kill.usage_bytes > 0) text += fmt::format(", at {}", format_bytes(kill.usage_bytes));
  if (kill.limit_bytes) text += fmt::format(" of {}", format_bytes(*kill.limit_bytes));
  return text + "\n";
}

void KillLog::load(const std::filesystem::path& directory) {
  for (const char* name : {kLogFileBefore, kLogFile}) {
    std::ifstream file(directory / name);
    for (std::string line; std::getline(file, line);) {
      auto kill = from_line(line);
      if (!kill) continue;
      next_number_ = std::max(next_number_, kill->number + 1);
      // A later line of the same kill tells what became of its dossier.
      if (KillRecord* known = find(kill->number)) {
        *known = std::move(*kill);
        continue;
      }
      kills_.push_back(std::move(*kill));
      if (kills_.size() > kMostInMemory) kills_.pop_front();
    }
  }
  for (KillRecord& kill : kills_) {
    if (kill.dossier.empty() && kill.no_dossier.empty())
      kill.no_dossier = "the service ended before it was written";
  }
}

KillRecord* KillLog::find(std::uint64_t number) {
  for (auto kill = kills_.rbegin(); kill != kills_.rend(); ++kill) {
    if (kill->number == number) return &*kill;
  }
  return nullptr;
}

KillRecord& KillLog::add(KillRecord kill) {
  kill.number = next_number_++;
  kills_.push_back(std::move(kill));
  if (kills_.size() > kMostInMemory) kills_.pop_front();
  return kills_.back();
}

void KillLog::set_dossier(std::uint64_t number, const std::string& name, const std::string& why_not) {
  KillRecord* kill = find(number);
  if (kill == nullptr) return;
  kill->dossier = name;
  kill->no_dossier = why_not;
}

Result<void> append_to_log(const std::filesystem::path& directory, const std::string& lines) {
  const std::filesystem::path path = directory / kLogFile;
  const UniqueFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return disk_failed("open the log of kills");
  struct stat status {};
  if (fstat(file.get(), &status) == 0 &&
      static_cast<std::uint64_t>(status.st_size) + lines.size() > KillLog::kMostBytes) {
    if (rename(path.c_str(), (directory / kLogFileBefore).c_str()) != 0)
      return disk_failed("rotate the log of kills");
    return append_to_log(directory, lines);
  }
  // What a crash left is half a line: it must not swallow the next one.
  char last = '\n';
  const UniqueFd reader(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  const bool is_cut =
      status.st_size > 0 && reader && pread(reader.get(), &last, 1, status.st_size - 1) == 1 && last != '\n';
  const std::string text = fmt::format("{}{}", is_cut ? "\n" : "", lines);
  if (!write_all(file.get(), text) || fdatasync(file.get()) != 0)
    return disk_failed("write the log of kills");
  return {};
}

bool is_meant(std::string_view target, const SubjectId& subject) {
  if (target.empty()) return true;
  const std::string full = subject.namespace_name + "/" + subject.pod;
  if (target == subject.container || target == label_of(subject)) return true;
  if (subject.pod.empty()) return cgroup::is_task_of(target, subject.container);
  if (target == subject.pod || target == full || target == subject.pod + "/" + subject.container) return true;
  // What people see in lists: "checkout" of "checkout-7d9f-x2x9p".
  const auto begins = [&](std::string_view name) {
    return name.size() > target.size() && cgroup::starts_with(name, target) && name[target.size()] == '-';
  };
  return begins(subject.pod) || begins(full);
}

bool is_meant(std::string_view target, const KillRecord& kill) {
  if (is_meant(target, kill.subject)) return true;
  const auto is_beginning = [&](std::string_view id) {
    return target.size() >= kLeastOfAnId && cgroup::starts_with(id, target);
  };
  if (is_beginning(kill.pod_uid) || is_beginning(kill.container_id)) return true;
  return target.front() == '/' && cgroup::is_below(kill.path, cgroup::normal_path(target));
}

}  // namespace memspike::serve
