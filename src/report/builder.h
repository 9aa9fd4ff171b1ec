// Folds facts, in order of time, into a Report. Pure: the same facts give the same report,
// live or from a recording.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "report/fact.h"
#include "report/memcg_state.h"
#include "report/report.h"
#include "report/stacks.h"
#include "report/threads.h"

namespace memspike::report {

struct BuilderOptions {
  std::optional<std::uint64_t>
      min_prominence_bytes;  // unset: the larger of 1 MiB and 5 % of the smallest limit
  bool keep_timeline = false;
  bool keep_all_spikes = true;          // false: bounded memory; the oldest go on in the histograms only
  std::vector<std::string> containers;  // names, or beginnings of ids, to report on; empty: as recorded
  std::uint64_t dossier_window_ns = timeline::Recent::kWindowNs;  // kept of the time before an OOM kill
};

class Builder {
 public:
  using RowSink = std::function<void(const std::string& path, const timeline::Row& row)>;

  explicit Builder(BuilderOptions options) : options_(std::move(options)) {}

  // Rows of the timelines that are reported on, as they become known.
  void on_row(RowSink sink) { row_sink_ = std::move(sink); }

  // Spikes of what is reported on, each as soon as all but its right base is known. What counts as one is
  // judged by the limits known then. Set it before the first fact, and leave the builder where it is.
  using SpikeSink = std::function<void(MemcgIndex memcg, const spike::Spike& spike)>;
  void on_spike(SpikeSink sink) { spike_sink_ = std::move(sink); }

  void apply(const Fact& fact);

  // What a live display shows of the first root.
  struct Live {
    std::uint64_t usage_bytes = 0;
    std::uint64_t peak_bytes = 0;
    std::optional<std::uint64_t> limit_bytes;
    std::uint64_t spikes = 0;
    std::uint64_t kills = 0;
  };
  Live live() const;

  std::uint64_t min_prominence_bytes() const;
  const MemcgState* find(MemcgIndex memcg) const { return at(memcg); }

  // The report. Leaves the builder spent.
  Report take();

 private:
  void handle(const MemcgRow& fact);
  void handle(const MemcgFound& fact);
  void handle(const MemcgNamed& fact);
  void handle(const MemcgCharged& fact);
  void handle(const ThreadSeen& fact);
  void handle(const InactiveFileRead& fact);
  void handle(const MemoryStatRead& fact);
  void handle(const MemcgGone& fact);
  void handle(const ProcessKilled& fact);
  void handle(const TaskStalled& fact);
  void handle(const LimitHit& fact);
  void handle(const KernelCounts& fact);
  void handle(const ProcessAllocations& fact);
  void handle(const CodeNamed& fact);
  void handle(const StackSeen& fact);
  void handle(const StacksCounted& fact);
  void handle(const KernelLogged& fact);
  void handle(const Noted& fact);
  void handle(const SessionKnown& fact);
  void handle(const RecordingEnded& fact);
  MemcgState* at(MemcgIndex memcg) const;
  void tell_spike(MemcgIndex memcg, const spike::Spike& spike) const;
  void keep_few_windows(MemcgState& memcg);
  void keep_few_overviews(MemcgState& gone);
  void join_log(std::vector<Memcg>& memcgs) const;
  void name_inherited();
  bool is_wanted(const Description& description) const;
  std::vector<Thread> name_culprits(std::vector<Memcg>& memcgs) const;
  std::optional<Stacks> take_stacks();

  BuilderOptions options_;
  RowSink row_sink_;
  SpikeSink spike_sink_;
  std::vector<std::unique_ptr<MemcgState>> memcgs_;  // by MemcgIndex; null: not in the target
  MemcgState* last_kill_ = nullptr;                  // that holds the entry of the last kill
  std::vector<KernelLogged> log_;
  Threads threads_;
  Stacks code_;  // modules and frames, until there are stacks
  std::vector<StackSeen> stacks_;
  std::optional<StacksCounted> stacks_counted_;
  SessionKnown session_;
  std::size_t most_spikes_ = 0;                              // of one memcg, where memory is bounded
  std::deque<std::pair<MemcgState*, std::size_t>> windows_;  // kills that have their timeline, by time
  std::deque<MemcgState*> fine_overviews_;                   // of memcgs that are gone
  std::vector<std::string> notes_;
  std::uint64_t dropped_notes_ = 0;
};

}  // namespace memspike::report
