// Kills that happened while the service was down: the kernel counted them, and nothing else is known of them.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "facts/fact.h"
#include "serve/kill_log.h"

namespace memspike::serve {

// How many of the kernel's count of each cgroup are known, kept in a file: what is beyond it at the next
// start was missed. Exact whenever the service dies: the log of kills tells what came after the file.
struct KilledSubject {
  SubjectId subject;
  std::array<std::uint64_t, kKilledBy.size()> kills{};
};

class CatchUp {
 public:
  explicit CatchUp(std::string boot_id) : boot_id_(std::move(boot_id)) {}

  // The file, and what the log tells of kills since. There is none: this is the first run, which missed
  // nothing.
  void load(const std::filesystem::path& directory, const KillLog& log);

  // A cgroup is watched from now on. `counted`: by the kernel until then; nothing: it does not tell.
  void found(facts::MemcgIndex memcg, std::uint64_t cgroup_id, std::optional<std::uint64_t> counted,
             std::uint64_t time_ns);
  // Seen: one of the kernel's count is known.
  void killed(facts::MemcgIndex memcg, std::uint64_t time_ns);
  // How many of those that the kernel counted before it was watched nobody knows of. Once: then they are
  // known. Ask a moment after found(), for facts come late.
  std::uint64_t take_missed(facts::MemcgIndex memcg);
  // How many were seen of it; it is forgotten. `counted`: by the kernel, since it is watched.
  std::uint64_t take_unseen(facts::MemcgIndex memcg, std::optional<std::uint64_t> counted);

  bool has_changed() const { return has_changed_; }
  // Whose kills were counted when it was written, and by the log since: counters go on with them.
  const std::vector<KilledSubject>& subjects() const { return subjects_; }
  // What is to be written: next_number is the log's.
  std::string text(std::uint64_t next_number, const std::vector<KilledSubject>& subjects);

 private:
  KilledSubject& subject(const SubjectId& id);
  void read_subjects(const nlohmann::json& state);

  struct Watched {
    std::uint64_t cgroup_id = 0;
    std::uint64_t before = 0;  // by the kernel's count
    std::uint64_t seen = 0;    // since
    std::uint64_t time_ns = 0;
    bool is_caught_up = false;
  };

  std::string boot_id_;
  bool is_first_run_ = true;
  bool has_changed_ = false;
  std::vector<KilledSubject> subjects_;
  std::map<std::uint64_t, std::uint64_t> known_;  // by cgroup id, of the run before
  std::unordered_map<facts::MemcgIndex, Watched> watched_;
};

// Replaces the file: whole, or not at all.
Result<void> write_catch_up(const std::filesystem::path& directory, const std::string& text);

}  // namespace memspike::serve
