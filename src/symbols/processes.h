// Where the code of processes lies: asked when a process is first seen, for a killed one can no
// longer be asked, and again when an address turns up that was not mapped then.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/unique_fd.h"
#include "symbols/modules.h"
#include "symbols/opener.h"
#include "symbols/proc_text.h"

namespace memspike::symbols {

class Processes {
 public:
  // host_root: the node's /proc lies below it.
  Processes(const std::filesystem::path& host_root, Modules& modules);

  // The process was seen running at these addresses just now; none: it is there.
  void see(std::uint32_t tgid, std::span<const std::uint64_t> addresses, std::uint64_t now_ns);

  // Reads again what see() came too early for: a process that was seen in exec has the mappings of what
  // it was before, and its next stack may be its last. For a tenth of a second at least,
  // and until two readings find nothing new.
  void read_due(std::uint64_t now_ns);
  bool has_due() const { return !due_.empty(); }

  // The same where a thread of it runs.
  void see_running(std::uint32_t tgid, std::uint64_t address, std::uint64_t now_ns);

  // Of a process that was seen: has it read again as soon as that may be, or at once.
  void want(std::uint32_t tgid);
  void read_now(std::uint32_t tgid, std::uint64_t now_ns);
  // When it was read last; 0: never.
  std::uint64_t read_ns(std::uint32_t tgid) const;
  bool is_alive(std::uint32_t tgid) const;  // at its last reading

  struct Place {
    std::optional<std::uint32_t> module;  // unset: mapped from no file, as a JIT's code
    bool is_mapped = false;               // false: nobody knows what is there
    std::uint64_t file_offset = 0;
  };
  Place locate(std::uint32_t tgid, std::uint64_t address) const;

  // The process's own perf map; -1: it wrote none.
  int perf_map(std::uint32_t tgid) const;

  // Processes that may not be looked at, for want of rights; files likewise.
  std::uint64_t refused() const { return refused_; }
  std::uint64_t refused_files() const { return opener_.refused(); }

 private:
  static constexpr std::uint32_t kNoModule = ~std::uint32_t{0};
  struct Located {  // small, for a process may have very many
    std::uint64_t start = 0;
    std::uint64_t end = 0;
    std::uint64_t file_offset = 0;
    std::uint32_t module = kNoModule;
    bool operator==(const Located&) const = default;
  };
  using Snapshot = std::vector<Located>;
  struct Process {
    std::vector<Snapshot> snapshots;  // the newest last
    std::shared_ptr<OpenedFile> perf_map;
    std::uint64_t next_ns = 0;
    std::uint64_t wait_ns = 0;
    std::uint64_t read_ns = 0;
    bool is_gone = false;
    int calm_readings = 0;  // that found nothing new
    int read_at_once = 0;   // times that its wait was not kept to
    bool is_due = false;    // to be read at next_ns, whether it is seen again or not
  };

  void read(std::uint32_t tgid, Process& process, std::uint64_t now_ns);
  enum class Change { gone, none, some };
  Change take_snapshot(std::uint32_t tgid, Process& process);
  void want(std::uint32_t tgid, Process& process);
  void want_perf_map(std::uint32_t tgid, Process& process, std::shared_ptr<UniqueFd>& root);
  Change keep(Process& process, Snapshot snapshot);
  std::uint32_t module_of(const Mapping& mapping, const std::filesystem::path& dir,
                          std::shared_ptr<UniqueFd>& root);
  static const Located* find(const Snapshot& snapshot, std::uint64_t address);

  std::filesystem::path proc_;
  Modules& modules_;
  std::map<std::uint32_t, Process> processes_;
  std::vector<std::uint32_t> due_;  // those with is_due
  std::size_t perf_maps_ = 0;
  std::size_t mappings_kept_ = 0;  // over all snapshots
  std::uint64_t refused_ = 0;
  Opener opener_;
};

}  // namespace memspike::symbols
