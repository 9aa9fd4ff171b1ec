// Who made a memcg rise where charges and pages are not watched: the sizes of its processes are read when a
// rise wakes the reader, while it lasts, and once a second.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/kept.h"
#include "capture/live/source.h"
#include "cgroup/hierarchy.h"
#include "cgroup/host_files.h"
#include "process/growth.h"
#include "process/reader.h"
#include "process/sizes.h"

namespace memspike::capture {

class RiseReader : public Source {
 public:
  // `ask`: who is this process? At once, it may be dead when its growth is told. `spares`: pods have no
  // processes beside those of their containers.
  using Ask = std::function<void(std::uint32_t tgid, std::uint64_t now_ns)>;

  RiseReader(const cgroup::Hierarchy& hierarchy, const process::Reader& proc, const Census& census, Ask ask,
             bool spares)
      : hierarchy_(hierarchy), sizes_(proc), census_(census), ask_(std::move(ask)), spares_(spares) {}

  // Whether anything is to be read at all: not where charges are seen. Nor is it where pages are.
  void set_needed(bool is_needed) { is_needed_ = is_needed; }

  void on_reading(const Reading& reading) override;
  void on_fact(const facts::Fact& fact, const Emit& emit) override;
  void poll(std::uint64_t now_ns, const Emit& emit) override;

  void tell(std::uint64_t until_ns, const Emit& emit) override;

 private:
  struct Watched {
    std::uint64_t seen_bytes = 0;  // of usage, by the kernel's last record
    std::uint64_t read_bytes = 0;  // the same at the last reading of its processes
    std::uint64_t looked_ns = 0;   // when that was; 0: never
    std::uint64_t due_ns = 0;
    std::uint64_t pause_ns = 0;       // until it is looked at again, though it did not move
    std::uint64_t bare_until_ns = 0;  // it holds memcgs and had no process of its own: not before
    std::uint64_t listed_ns = 0;      // when these were read
    std::vector<std::uint32_t> processes;
    process::Growth growth;
  };
  void forget(facts::MemcgIndex memcg);
  void schedule(facts::MemcgIndex memcg, Watched& watched, std::uint64_t due_ns);
  facts::MemcgCharged charge_of(facts::MemcgIndex memcg, const process::Size& grown,
                                std::uint64_t time_ns) const;
  bool rests(const Watched& watched, std::uint64_t now_ns) const;
  void list(const std::filesystem::path& dir, Watched& watched, std::uint64_t now_ns) const;
  std::uint64_t usage_of(facts::MemcgIndex memcg, const std::filesystem::path& dir, const Watched& watched);
  std::vector<process::Size> grown_in(facts::MemcgIndex memcg, const Living& living, Watched& watched,
                                      std::uint64_t now_ns);
  void read(facts::MemcgIndex memcg, const Living& living, Watched& watched, std::uint64_t now_ns);

  static constexpr std::size_t kMostOpen = 64;

  const cgroup::Hierarchy& hierarchy_;
  process::Sizes sizes_;
  Kept<facts::MemcgIndex, cgroup::SmallFile> usages_{kMostOpen};
  const Census& census_;
  Ask ask_;
  bool spares_;
  bool is_needed_ = false;
  std::unordered_map<facts::MemcgIndex, Watched> watched_;
  std::set<std::pair<std::uint64_t, facts::MemcgIndex>> due_;  // all of them, by when each is due
  std::deque<facts::MemcgCharged> grown_;                      // by time, until that is told of
};

}  // namespace memspike::capture
