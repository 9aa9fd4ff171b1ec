// Folds events, in order of time, into a Report. Pure: the same events give the
// same report, live or from a recording.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "decode/event.h"
#include "report/memcg_state.h"
#include "report/report.h"

namespace memspike::report {

struct BuilderOptions {
  std::optional<std::uint64_t>
      min_prominence_bytes;  // unset: the larger of 1 MiB and 5 % of the smallest limit
  bool keep_timeline = false;
  bool keep_all_spikes = true;  // false: bounded memory; the oldest go on in the histograms only
  std::uint64_t dossier_window_ns = timeline::Recent::kWindowNs;  // kept of the time before an OOM kill
};

// What a memcg is, as far as names can tell; asked once, when it is born.
struct Description {
  Role role = Role::cgroup;
  std::optional<Container> container;
  bool wanted = true;  // false: not part of the report
};

class Builder {
 public:
  using RowSink = std::function<void(const std::string& path, const timeline::Row& row)>;
  using Describe = std::function<Description(const std::string& path)>;

  Builder(BuilderOptions options, Describe describe);

  // Rows of the timeline, as they become known.
  void on_row(RowSink sink) { row_sink_ = std::move(sink); }

  // The path of a memcg, by its directory's inode number: of the target's roots, and of all
  // above them, whose limits may be the ones that kill.
  void name_cgroup(std::uint64_t cgroup_id, std::string path);

  void apply(const decode::Event& event);

  // The recording ends at time_ns: closes every timeline.
  void close(std::uint64_t time_ns);

  // What a live display shows of the first root.
  struct Live {
    std::uint64_t usage_bytes = 0;
    std::uint64_t peak_bytes = 0;
    std::optional<std::uint64_t> limit_bytes;
    std::uint64_t spikes = 0;
    std::uint64_t kills = 0;
  };
  Live live() const;

  const std::vector<std::unique_ptr<MemcgState>>& memcgs() const { return memcgs_; }
  MemcgState* find(std::uint64_t serial_nr);
  std::uint64_t min_prominence_bytes() const;
  std::uint64_t orphans() const { return orphans_; }  // readings of memcgs whose birth was not seen

  // The memcgs of the report, and what happened to them. Leaves the builder spent.
  std::vector<Memcg> take_memcgs();
  std::vector<std::string> take_notes() { return std::move(notes_); }

 private:
  void handle(const decode::Sample& event);
  void handle(const decode::MemcgBorn& event);
  void handle(const decode::MemcgGone& event);
  void handle(const decode::OomKill& event);
  void push_path(std::uint64_t time_ns, const decode::Path& path);
  void push_level(MemcgState& memcg, std::uint64_t time_ns, const decode::Level& level,
                  std::uint64_t headroom_bytes);
  void push_rows(MemcgState& memcg);
  MemcgState* at_slot(std::uint32_t slot);
  std::optional<std::string> path_of(const decode::MemcgBorn& event);
  void note(std::string text);
  const MemcgState* fill_origin(const decode::OomKill& event, OomKill& kill);
  void keep_few_windows(MemcgState& memcg);
  void keep_few_overviews(MemcgState& gone);
  std::string path_by_id(std::uint64_t serial_nr, std::uint64_t cgroup_id) const;
  bool joins_last_incident(const decode::OomKill& event) const;

  BuilderOptions options_;
  Describe describe_;
  RowSink row_sink_;
  std::map<std::uint64_t, std::string> known_paths_;
  std::vector<std::unique_ptr<MemcgState>> memcgs_;  // in order of birth
  std::vector<MemcgState*> by_slot_;
  std::vector<timeline::Row> rows_;  // scratch
  struct LastKill {
    MemcgState* memcg = nullptr;  // that holds its entry
    std::uint64_t time_ns = 0;
    std::uint32_t trigger_tgid = 0;
    std::uint32_t incident = 0;
  };
  LastKill last_kill_;
  std::deque<std::pair<MemcgState*, std::size_t>> windows_;  // kills that have their timeline, by time
  std::deque<MemcgState*> fine_overviews_;                   // of memcgs that are gone
  std::vector<std::string> notes_;
  std::uint64_t dropped_notes_ = 0;
  std::uint64_t orphans_ = 0;
};

}  // namespace memspike::report
