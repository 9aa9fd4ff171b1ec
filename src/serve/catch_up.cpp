#include "serve/catch_up.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/unique_fd.h"
#include "cgroup/host_files.h"
#include "serve/files.h"

namespace memspike::serve {
namespace {

using Json = nlohmann::json;

constexpr const char* kCountsFile = "counts.json";
constexpr std::size_t kMostCountsBytes = std::size_t{4} << 20;

}  // namespace

void CatchUp::load(const std::filesystem::path& directory, const KillLog& log) {
  const auto text = cgroup::read_small_file(directory / kCountsFile, kMostCountsBytes);
  const Json state = text ? Json::parse(*text, nullptr, false) : Json();
  if (!state.is_object() || !state.contains("cgroups") || !state["cgroups"].is_object()) return;
  is_first_run_ = false;
  if (state.value("boot_id", "") != boot_id_) return;
  for (const auto& [id, kills] : state["cgroups"].items()) {
    if (kills.is_number_unsigned())
      known_[std::strtoull(id.c_str(), nullptr, 10)] = kills.get<std::uint64_t>();
  }
  read_subjects(state);
  const auto next = state.value("next_number", std::uint64_t{0});
  for (const KillRecord& kill : log.all()) {
    if (kill.number < next || kill.is_hang) continue;
    known_[kill.cgroup_id] += kill.count;
    subject(kill.subject).kills[static_cast<std::size_t>(kill.by)] += kill.count;
  }
}

KilledSubject& CatchUp::subject(const SubjectId& id) {
  const auto known = std::find_if(subjects_.begin(), subjects_.end(),
                                  [&](const KilledSubject& each) { return each.subject == id; });
  return known != subjects_.end() ? *known : subjects_.emplace_back(KilledSubject{id, {}});
}

void CatchUp::read_subjects(const nlohmann::json& state) {
  const auto all = state.find("subjects");
  if (all == state.end() || !all->is_array()) return;
  for (const Json& each : *all) {
    if (!each.is_array() || each.size() != 3 + kKilledBy.size()) continue;
    const bool is_whole =
        std::all_of(each.begin(), each.begin() + 3, [](const Json& j) { return j.is_string(); }) &&
        std::all_of(each.begin() + 3, each.end(), [](const Json& j) { return j.is_number_unsigned(); });
    if (!is_whole) continue;
    KilledSubject& killed = subjects_.emplace_back();
    killed.subject = {each[0].get<std::string>(), each[1].get<std::string>(), each[2].get<std::string>()};
    for (std::size_t by = 0; by < kKilledBy.size(); ++by)
      killed.kills[by] = each[3 + by].get<std::uint64_t>();
  }
}

void CatchUp::found(facts::MemcgIndex memcg, std::uint64_t cgroup_id, std::optional<std::uint64_t> counted,
                    std::uint64_t time_ns) {
  watched_[memcg] = {cgroup_id, counted.value_or(0), 0, time_ns, !counted};
  has_changed_ = true;
}

// One that was read in the file already, but comes only now.
void CatchUp::killed(facts::MemcgIndex memcg, std::uint64_t time_ns) {
  const auto known = watched_.find(memcg);
  if (known == watched_.end()) return;
  Watched& watched = known->second;
  if (time_ns <= watched.time_ns && watched.before > 0) --watched.before;
  ++watched.seen;
  has_changed_ = true;
}

std::uint64_t CatchUp::take_missed(facts::MemcgIndex memcg) {
  const auto known = watched_.find(memcg);
  if (known == watched_.end() || known->second.is_caught_up) return 0;
  Watched& watched = known->second;
  watched.is_caught_up = true;
  if (is_first_run_) return 0;
  const auto before = known_.find(watched.cgroup_id);
  const std::uint64_t accounted = before == known_.end() ? 0 : before->second;
  return watched.before > accounted ? watched.before - accounted : 0;
}

std::uint64_t CatchUp::take_unseen(facts::MemcgIndex memcg, std::optional<std::uint64_t> counted) {
  const auto known = watched_.find(memcg);
  if (known == watched_.end()) return 0;
  const std::uint64_t seen = known->second.seen;
  watched_.erase(known);
  has_changed_ = true;
  return counted && *counted > seen ? *counted - seen : 0;
}

std::string CatchUp::text(std::uint64_t next_number, const std::vector<KilledSubject>& subjects) {
  has_changed_ = false;
  Json cgroups = Json::object();
  for (const auto& [memcg, watched] : watched_) {
    std::uint64_t known = watched.before;
    if (!watched.is_caught_up && !is_first_run_) {
      const auto before = known_.find(watched.cgroup_id);
      known = before == known_.end() ? 0 : before->second;
    }
    if (known + watched.seen > 0) cgroups[std::to_string(watched.cgroup_id)] = known + watched.seen;
  }
  Json killed = Json::array();
  for (const KilledSubject& each : subjects) {
    Json line = {each.subject.namespace_name, each.subject.pod, each.subject.container};
    for (const std::uint64_t count : each.kills) line.push_back(count);
    killed.push_back(std::move(line));
  }
  return Json{{"boot_id", boot_id_}, {"next_number", next_number}, {"cgroups", cgroups}, {"subjects", killed}}
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<void> write_catch_up(const std::filesystem::path& directory, const std::string& text) {
  const auto unfinished = directory / (std::string(kCountsFile) + ".new");
  {
    const UniqueFd file(
        open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file || !write_all(file.get(), text) || fdatasync(file.get()) != 0) {
      return disk_failed("write the counts of kills");
    }
  }
  if (rename(unfinished.c_str(), (directory / kCountsFile).c_str()) != 0)
    return disk_failed("write the counts of kills");
  const UniqueFd parent(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!parent || fsync(parent.get()) != 0) return disk_failed("write the counts of kills");
  return {};
}

}  // namespace memspike::serve
