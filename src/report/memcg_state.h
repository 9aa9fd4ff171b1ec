// What is known of one memcg while its events arrive.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "blindspot/working_set.h"
#include "composition/readings.h"
#include "culprit/ledger.h"
#include "histogram/histogram.h"
#include "report/allocation_log.h"
#include "report/near.h"
#include "report/report.h"
#include "spike/detector.h"
#include "timeline/series.h"
#include "timeline/track.h"

namespace memspike::report {

class MemcgState {
 public:
  MemcgState(std::string path, std::uint64_t detector_floor_bytes,
             std::uint64_t dossier_window_ns = timeline::Recent::kWindowNs)
      : path_(std::move(path)), living_(std::make_unique<Living>(detector_floor_bytes, dossier_window_ns)) {}

  // Told of each spike as soon as it is confirmed: see spike::Detector.
  void on_spike(spike::Detector::Confirmed told) { living_->detector.on_confirmed(std::move(told)); }

  // Next row of the timeline. None counts once it is finished.
  void add_row(const timeline::Row& row, bool keep_timeline);
  // A thread (by its number in Threads) charged this much of what rose.
  void attribute(std::uint32_t thread, std::uint64_t bytes) {
    if (living_) living_->ledger.attribute(thread, bytes);
  }
  // What tasks in it or below allocated meanwhile.
  void add_allocated(const composition::Allocated& allocated) {
    if (living_) living_->ledger.add_allocated(allocated);
  }
  void add_kill(OomKill kill) { kills_.push_back(std::move(kill)); }
  OomKill& last_kill() { return kills_.back(); }
  // What led here, if rows are known: `hit` where it is this memcg's limit that stopped it.
  std::optional<LastSecond> last_second(std::uint64_t time_ns, bool hit) const;
  // Of a kill that is no longer among the latest: its numbers stay, its timeline goes.
  void drop_timeline_of_kill(std::size_t index);
  // One of many that are gone: its picture may be small.
  void coarsen_overview();
  void add_stall(std::uint64_t time_ns, std::uint64_t duration_ns, bool keep_timeline);
  void add_limit_hits(std::uint64_t time_ns, const LimitHits& hits);
  void note_kill(std::uint64_t time_ns) {
    if (living_) living_->detector.note_kill(time_ns);
  }
  void note_inactive_file(std::uint64_t time_ns, std::uint64_t bytes) {
    if (living_) living_->working_set.note_inactive_file(time_ns, bytes);
  }
  void add_reading(const composition::Reading& reading, std::optional<bool> has_processes);
  const composition::Readings& readings() const { return readings_; }
  void add_process(const std::string& comm, std::uint32_t pid, const std::vector<std::uint64_t>& by_order) {
    allocations_.add(comm, pid, by_order);
  }

  // No more rows. Idempotent.
  void finish();

  // Finishes it, and keeps what the report needs in as few bytes as that takes: of containers that are
  // born and die all day there may be thousands.
  void pack();

  std::size_t kept_spikes() const { return spikes_.size(); }
  // Lets all but the latest `keep` spikes go on in the histograms only.
  void spill(std::size_t keep, std::uint64_t min_prominence_bytes);

  // The finished memcg. `min_prominence_bytes`: what counts as a spike, at least
  // the detector's floor (a higher threshold selects a subset, and changes no spike).
  // `page_size_bytes`: of the pages in which the report counts culprits' shares.
  Memcg build(std::uint64_t min_prominence_bytes, std::uint64_t page_size_bytes = 4096);

  std::uint64_t spikes_above(std::uint64_t min_prominence_bytes) const;

  const std::string& path() const { return path_; }
  const std::optional<timeline::Row>& last_row() const { return previous_; }
  const Usage& usage() const { return usage_; }
  std::size_t kills() const { return kills_.size(); }
  bool has_rows() const { return has_rows_; }

  // Set from outside, by whoever knows.
  Role role = Role::cgroup;
  std::optional<Container> container;
  bool wanted = true;
  bool gone = false;
  std::optional<std::uint64_t> smallest_limit_bytes;
  std::optional<std::uint64_t> kernel_peak_bytes;
  std::string kernel_peak_source;
  std::optional<std::uint64_t> kernel_oom_kills;
  std::optional<std::uint32_t> parent;  // its MemcgIndex
  bool empty_at_first = false;          // no process was in it when its files were first read
  bool empty_at_last = false;           // the same of the last time
  std::optional<Inherited> inherited;
  NearMisses near_misses;

 private:
  // A spike with who made it: bytes, until build() counts pages.
  struct Decided {
    spike::Spike spike;
    culprit::Rise rise;
    Stalls stalls;
    LimitHits limit_hits;
    std::optional<composition::Growth> growth;
  };

  // What only the next rows need: some 100 KiB, most of it in the working set's fold.
  struct Living {
    Living(std::uint64_t detector_floor_bytes, std::uint64_t dossier_window_ns)
        : detector(detector_floor_bytes), recent(dossier_window_ns) {}

    spike::Detector detector;
    timeline::Recent recent;
    histogram::Histogram time_at_level;  // ns spent at a usage
    blindspot::WorkingSet working_set;
    culprit::Ledger ledger;
    StallLog stalls;
    LimitHitLog limit_hits;
    std::vector<spike::Spike> decided;  // scratch
  };

  // Its first row.
  void begin(const timeline::Row& row);
  // Counts how long usage and limit were what they are, up to time_ns.
  void settle(std::uint64_t time_ns);
  void take_decided();
  void count(const spike::Spike& spike, Histograms& histograms);
  NearMisses take_near_misses();

  std::string path_;
  std::unique_ptr<Living> living_;  // until it is finished
  timeline::Overview overview_;
  Usage usage_;
  blindspot::Fold shown_;  // once it is finished
  bool working_set_known_ = false;
  advice::Observed observed_;  // of spilled spikes, until build() adds the others
  std::optional<timeline::Row> previous_;
  std::uint64_t settled_ns_ = 0;
  composition::Readings readings_;
  std::vector<Decided> spikes_;
  Histograms spilled_;
  std::uint64_t spilled_count_ = 0;
  std::uint64_t last_spilled_peak_ns_ = 0;
  std::vector<OomKill> kills_;
  AllocationLog allocations_;
  timeline::Series timeline_;
  std::vector<std::pair<std::uint64_t, std::optional<std::uint64_t>>> limits_;
  StallMarks stall_marks_;
  LimitHits limit_hits_;  // all that were told of
  bool has_rows_ = false;
};

}  // namespace memspike::report
