// Who made a memcg rise where charges and pages are not watched: the sizes of its processes are read when a
// rise wakes the reader, while it lasts, and once a second.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <unordered_map>
#include <utility>

#include "capture/live/source.h"
#include "cgroup/hierarchy.h"
#include "process/growth.h"
#include "process/reader.h"

namespace memspike::capture {

class RiseReader : public Source {
 public:
  // `ask`: who is this process? At once, it may be dead when its growth is told.
  using Ask = std::function<void(std::uint32_t tgid, std::uint64_t now_ns)>;

  RiseReader(const cgroup::Hierarchy& hierarchy, const process::Reader& proc, const Census& census, Ask ask)
      : hierarchy_(hierarchy), proc_(proc), census_(census), ask_(std::move(ask)) {}

  // Whether anything is to be read at all: not where charges are seen.
  void set_needed(bool is_needed) { is_needed_ = is_needed; }

  void on_reading(const Reading& reading) override;
  void poll(std::uint64_t now_ns, const Emit& emit) override;

  void tell(std::uint64_t until_ns, const Emit& emit) override;

 private:
  struct Watched {
    std::uint64_t read_bytes = 0;  // of usage, at the last reading
    std::uint64_t due_ns = 0;
    std::uint64_t pause_ns = 0;       // until it is looked at again, though it did not move
    std::uint64_t bare_until_ns = 0;  // it holds memcgs and had no process of its own: not before
    process::Growth growth;
  };
  facts::MemcgCharged charge_of(facts::MemcgIndex memcg, const process::Size& grown,
                                std::uint64_t time_ns) const;
  void read(facts::MemcgIndex memcg, const Living& living, Watched& watched, std::uint64_t now_ns);

  const cgroup::Hierarchy& hierarchy_;
  const process::Reader& proc_;
  const Census& census_;
  Ask ask_;
  bool is_needed_ = false;
  std::unordered_map<facts::MemcgIndex, Watched> watched_;
  std::uint64_t next_ns_ = 0;              // when the first of them may be due
  std::deque<facts::MemcgCharged> grown_;  // by time, until that is told of
};

}  // namespace memspike::capture
