// What is known of one memcg while its events arrive.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/deep_ptr.h"
#include "blindspot/working_set.h"
#include "composition/readings.h"
#include "culprit/ledger.h"
#include "histogram/histogram.h"
#include "lives/allocation_log.h"
#include "lives/at_limit.h"
#include "lives/retention.h"
#include "near_miss/near_miss.h"
#include "report/report.h"
#include "spike/burst_detector.h"
#include "spike/detector.h"
#include "timeline/series.h"
#include "timeline/track.h"

namespace memspike::lives {

class Life {
 public:
  Life(std::string path, std::uint64_t detector_floor_bytes,
       std::uint64_t dossier_window_ns = timeline::Recent::kWindowNs, const Retention& retention = {})
      : living_(DeepPtr<Living>::make(detector_floor_bytes, dossier_window_ns, retention)),
        readings_(retention.readings) {
    memcg_.path = std::move(path);
    memcg_.overview = timeline::Overview(retention.overview_buckets);
  }

  // Spikes that are confirmed (see spike::Detector) and bursts that are decided.
  struct Findings {
    std::vector<spike::Spike> spikes;
    std::vector<spike::Burst> bursts;
  };
  // Keeps them from now on, until they are taken. Before the first row.
  void keep_findings();
  bool has_findings() const { return !findings_.spikes.empty() || !findings_.bursts.empty(); }
  Findings take_findings() { return std::exchange(findings_, {}); }

  // Next row of the timeline. None counts once it is finished. `below_high_bytes`: what is left below a
  // memory.high, here or further out.
  void add_row(const timeline::Row& row, bool keep_timeline,
               std::uint64_t below_high_bytes = spike::kNoHeadroom);
  // A thread (by its number in Threads) charged this much of what rose.
  void attribute(std::uint32_t thread, std::uint64_t bytes) {
    if (living_) living_->ledger.attribute(thread, bytes);
  }
  // What tasks in it or below allocated meanwhile.
  void add_allocated(const composition::Allocated& allocated) {
    if (living_) living_->ledger.add_allocated(allocated);
  }
  // A process of this runtime charged memory here.
  void see_runtime(const process::Runtime& runtime);
  // Of more than `most` the earliest goes.
  void add_kill(report::OomKill kill, std::size_t most);
  // By how many were before it. nullptr: it is forgotten.
  report::OomKill* kill(std::size_t number);
  // What led here, if rows are known: `hit` where it is this memcg's limit that stopped it.
  std::optional<report::LastSecond> last_second(std::uint64_t time_ns, bool hit) const;
  // Of a kill that is no longer among the latest: its numbers stay, its timeline goes.
  void drop_timeline_of_kill(std::size_t number);
  // One of many that are gone: its picture may be small.
  void coarsen_overview();
  void add_stall(std::uint64_t time_ns, std::uint64_t duration_ns, bool keep_timeline);
  void add_limit_hits(std::uint64_t time_ns, const near_miss::LimitHits& hits);
  // `incident`: its number. More victims of one incident end no other burst.
  void note_kill(std::uint64_t time_ns, std::uint32_t incident);
  // What a rise has to reach from now on to be a burst.
  void set_burst_threshold(std::uint64_t bytes);
  void note_inactive_file(std::uint64_t time_ns, std::uint64_t bytes) {
    if (living_) living_->working_set.note_inactive_file(time_ns, bytes);
  }
  void add_reading(const composition::Reading& reading, std::optional<bool> has_processes);
  const composition::Readings& readings() const { return readings_; }
  void add_process(const std::string& comm, std::uint32_t pid, const std::vector<std::uint64_t>& by_order) {
    allocations_.add(comm, pid, by_order);
  }

  // It stands as it did at its last row, until now.
  void hold_until(std::uint64_t now_ns);

  // No more rows: what is up ends so. Idempotent.
  void finish(spike::Outcome outcome = spike::Outcome::ongoing);

  // Finishes it, and keeps what the report needs in as few bytes as that takes: of containers that are
  // born and die all day there may be thousands.
  void pack();

  // Or bursts, whichever are more.
  std::size_t kept_spikes() const { return std::max(spikes_.size(), bursts_.size()); }
  // Lets all but the latest `keep` spikes go on in the histograms only.
  void spill(std::size_t keep, std::uint64_t min_prominence_bytes);

  // The finished memcg. `min_prominence_bytes`: what counts as a spike, at least
  // the detector's floor (a higher threshold selects a subset, and changes no spike).
  // `page_size_bytes`: of the pages in which the report counts culprits' shares.
  report::Memcg build(std::uint64_t min_prominence_bytes, std::uint64_t page_size_bytes = 4096);

  // Bursts until now, those that are up included; not its levels.
  std::uint64_t bursts(std::uint64_t now_ns) const;

  const std::string& path() const { return memcg_.path; }
  const std::optional<timeline::Row>& last_row() const { return previous_; }
  // What was left then, to max or memory.high.
  std::uint64_t headroom_bytes() const { return headroom_bytes_; }
  const report::Usage& usage() const { return memcg_.usage; }
  std::size_t kills() const { return memcg_.all_kills(); }  // with those that are forgotten
  bool has_rows() const { return has_rows_; }

  // What is told of it as a whole: who it is, and what the kernel counted.
  report::Memcg& told() { return memcg_; }
  const report::Memcg& told() const { return memcg_; }

  // The same, of what the report does not show.
  bool wanted = true;
  std::uint64_t gone_ns = 0;
  std::optional<bool> populated;  // when the recording ended: a process was in it or below
  std::optional<std::uint64_t> smallest_limit_bytes;
  std::optional<std::uint32_t> parent;  // its MemcgIndex
  bool empty_at_first = false;          // no process was in it when its files were first read
  bool empty_at_last = false;           // the same of the last time
  AtLimit at_limit;

 private:
  // A spike with who made it: bytes, until build() counts pages.
  struct Decided {
    spike::Spike spike;
    culprit::Rise rise;
    near_miss::Stalls stalls;
    near_miss::LimitHits limit_hits;
    std::optional<composition::Growth> growth;
  };

  struct DecidedBurst {
    spike::Burst burst;
    culprit::Rise rise;
    near_miss::Stalls stalls;
    near_miss::LimitHits limit_hits;
    std::optional<composition::Makeup> makeup;
  };

  // What only the next rows need: some 100 KiB, most of it in the working set's fold.
  struct Living {
    Living(std::uint64_t detector_floor_bytes, std::uint64_t dossier_window_ns, const Retention& retention)
        : detector(detector_floor_bytes, retention.spike_limits),
          bursts(detector_floor_bytes, retention.burst_limits),
          recent(dossier_window_ns, retention.recent_rows),
          working_set(retention.fold_bins),
          ledger(culprit::LedgerLimits{.entries = retention.ledger_entries}),
          stalls(retention.time_log_entries),
          limit_hits(retention.time_log_entries) {}

    spike::Detector detector;
    spike::BurstDetector bursts;
    timeline::Recent recent;
    histogram::Histogram time_at_level;  // ns spent at a usage
    blindspot::WorkingSet working_set;
    culprit::Ledger ledger;
    near_miss::StallLog stalls;
    near_miss::LimitHitLog limit_hits;
    std::vector<spike::Spike> decided;  // scratch
    std::vector<spike::Burst> ended;    // the same
  };

  // Its first row.
  void begin(const timeline::Row& row);
  // Counts how long usage and limit were what they are, up to time_ns.
  void settle(std::uint64_t time_ns);
  void take_decided();
  void take_confirmed();
  void take_ended();
  bool is_level(const spike::Burst& burst, std::uint64_t now_ns) const;
  void count(const spike::Burst& burst);
  void spill_bursts(std::size_t keep);
  void build_spikes(std::uint64_t min_prominence_bytes, std::uint64_t page_size_bytes);
  void build_bursts(std::uint64_t page_size_bytes);
  void complete_near_misses();

  // What the report will hold of it, as far as it is known: values that are told, and sums of what was
  // spilled. build() adds spikes and bursts, and what finishing gives.
  report::Memcg memcg_;
  DeepPtr<Living> living_;  // until it is finished
  std::optional<timeline::Row> previous_;
  std::uint64_t headroom_bytes_ = spike::kNoHeadroom;  // then
  std::uint64_t settled_ns_ = 0;
  composition::Readings readings_;
  std::vector<Decided> spikes_;
  std::uint64_t last_spilled_peak_ns_ = 0;
  std::vector<DecidedBurst> bursts_;
  std::uint64_t last_counted_top_ns_ = 0;
  std::optional<std::uint32_t> incident_;  // that ended a burst last
  std::uint64_t first_ns_ = 0;
  bool keeps_findings_ = false;
  Findings findings_;
  AllocationLog allocations_;
  near_miss::LimitHits limit_hits_;  // all that were told of
  bool has_rows_ = false;
};

}  // namespace memspike::lives
