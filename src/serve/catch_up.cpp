#include "serve/catch_up.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/unique_fd.h"
#include "cgroup/host_files.h"

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
  const auto next = state.value("next_number", std::uint64_t{0});
  for (const KillRecord& kill : log.all()) {
    if (kill.number >= next && !kill.is_hang) known_[kill.cgroup_id] += kill.count;
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

std::string CatchUp::text(std::uint64_t next_number) {
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
  return Json{{"boot_id", boot_id_}, {"next_number", next_number}, {"cgroups", cgroups}}.dump();
}

Result<void> write_catch_up(const std::filesystem::path& directory, const std::string& text) {
  const auto failed = [] {
    return fail(ErrorKind::failed, fmt::format("cannot write the counts of kills: {}", std::strerror(errno)));
  };
  const auto unfinished = directory / (std::string(kCountsFile) + ".new");
  {
    const UniqueFd file(
        open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!file || write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
        fdatasync(file.get()) != 0) {
      return failed();
    }
  }
  if (rename(unfinished.c_str(), (directory / kCountsFile).c_str()) != 0) return failed();
  const UniqueFd parent(open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!parent || fsync(parent.get()) != 0) return failed();
  return {};
}

}  // namespace memspike::serve
