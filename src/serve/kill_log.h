// Every OOM kill that a service saw, in memory and in a file that outlives it.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "serve/meter.h"
#include "serve/subject.h"

namespace memspike::serve {

struct KillRecord {
  std::uint64_t number = 0;  // counted over all runs of the service on this node
  bool is_hang = false;      // no kill: tasks sleep at a limit whose OOM killer is disabled
  std::uint64_t realtime_ns = 0;
  SubjectId subject;
  std::string pod_uid;
  std::string container_id;
  std::string path;             // of the memcg that the victim was in; untrusted bytes
  std::uint64_t cgroup_id = 0;  // its inode number: with the boot, which cgroup of that path it was
  std::uint32_t pid = 0;
  std::string comm;  // untrusted bytes
  KilledBy by = KilledBy::unknown;
  std::string limit_path;  // whose limit; "": the node's, or not known
  std::uint64_t usage_bytes = 0;
  std::optional<std::uint64_t> limit_bytes;
  std::string dossier;      // its directory's name; "": none, see no_dossier
  std::string no_dossier;   // why there is none
  std::uint64_t count = 1;  // more than one: of kills that nobody saw, known from the kernel's count only
};

// What its record alone tells of it, as a sentence in a line of its own. Nothing in it steers a terminal.
std::string sentence_of(const KillRecord& kill);

// A line of the log, and back. Untrusted bytes become \xNN on the way. nullopt: it is none.
std::string to_line(const KillRecord& kill);
std::optional<KillRecord> from_line(std::string_view line);

// Newest last. Not for more than one thread.
class KillLog {
 public:
  static constexpr std::size_t kMostInMemory = 10'000;
  static constexpr std::uint64_t kMostBytes = std::uint64_t{8} << 20;  // of a file: two are kept

  // Reads what is there. A line that was cut by a crash is passed over.
  void load(const std::filesystem::path& directory);

  KillRecord& add(KillRecord kill);  // its number is given here
  const std::deque<KillRecord>& all() const { return kills_; }
  std::uint64_t next_number() const { return next_number_; }
  KillRecord* find(std::uint64_t number);
  void set_dossier(std::uint64_t number, const std::string& name, const std::string& why_not);

 private:
  std::deque<KillRecord> kills_;
  std::uint64_t next_number_ = 1;
};

// Appends lines to the log's file, and makes sure that they are on the disk.
Result<void> append_to_log(const std::filesystem::path& directory, const std::string& lines);

// Whether a target as people name it is this kill's: "shop/checkout-7d9f", "checkout", "app",
// "checkout-7d9f/app", the beginning of a UID or an id, a service, a cgroup's path.
bool is_meant(std::string_view target, const KillRecord& kill);
bool is_meant(std::string_view target, const SubjectId& subject);

}  // namespace memspike::serve
