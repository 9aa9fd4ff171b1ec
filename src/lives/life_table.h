// Folds facts, in order of time, into a Report. Pure: the same facts give the same report,
// live or from a recording. Spikes and bursts that it finds are facts for whoever comes behind it.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "facts/fact.h"
#include "facts/sink.h"
#include "lives/life.h"
#include "lives/retention.h"
#include "lives/threads.h"
#include "report/report.h"
#include "report/stacks.h"

namespace memspike::lives {

struct LifeOptions {
  std::optional<std::uint64_t>
      min_prominence_bytes;  // unset: the larger of 1 MiB and 5 % of the smallest limit
  bool keep_timeline = false;
  bool keep_all_spikes = true;  // false: bounded memory; the oldest go on in the histograms only
  Retention retention = Retention::everything();
  std::vector<std::string> containers;  // names, or beginnings of ids, to report on; empty: as recorded
  std::uint64_t dossier_window_ns = timeline::Recent::kWindowNs;  // kept of the time before an OOM kill
  bool split_stacks = false;  // by when they were seen, for report::keep_seen and join_times
};

class LifeTable final : public facts::FactStage {
 public:
  explicit LifeTable(LifeOptions options) : options_(std::move(options)), threads_(options_.retention) {}

  // Passes the fact on, and what follows from it: bursts of what is reported on, which end with their memcg
  // or the recording at the latest, and spikes. What counts as a spike is judged by the limits known then.
  // Findings that it is told of are not passed on: it has its own.
  void apply(const facts::Fact& fact) override;

  // Forgets what is kept for some time only.
  void tick(std::uint64_t now_ns) override;

  // What a live display shows of the first root now: a level is one by the time that has passed.
  struct Live {
    std::uint64_t usage_bytes = 0;
    std::uint64_t peak_bytes = 0;
    std::optional<std::uint64_t> limit_bytes;
    std::uint64_t bursts = 0;
    std::uint64_t kills = 0;
    std::uint64_t restarts = 0;  // of containers
    std::optional<std::string>
        tightest;  // of several living containers: the name of that with the least room
    std::uint64_t tightest_headroom_bytes = 0;
  };
  Live live(std::uint64_t now_ns) const;

  std::uint64_t min_prominence_bytes() const;
  const Life* find(facts::MemcgIndex memcg) const { return at(memcg); }

  // The report as of now, at any time. Spends nothing: it goes on.
  report::Report snapshot(std::uint64_t now_ns) const;

  // The same at the end, without copies. Leaves it spent.
  report::Report take();

  // Lives that are kept, those that are over included.
  std::size_t kept_lives() const { return lives_.size(); }

 private:
  static constexpr std::uint64_t kFloorBytes = 1U << 20;  // less is no spike, whatever the limit
  static constexpr int kMaxLevels = 32;  // a hostile recording may have a memcg be its own ancestor

  void handle(const facts::MemcgRow& fact);
  void handle(const facts::MemcgFound& fact);
  void handle(const facts::MemcgNamed& fact);
  void handle(const facts::MemcgCharged& fact);
  void handle(const facts::ThreadSeen& fact);
  void handle(const facts::InactiveFileRead& fact);
  void handle(const facts::MemoryStatRead& fact);
  void handle(const facts::MemcgGone& fact);
  void handle(const facts::ProcessKilled& fact);
  void handle(const facts::TaskStalled& fact);
  void handle(const facts::TasksHung& fact);
  void handle(const facts::HighSet& fact);
  void handle(const facts::LimitHit& fact);
  void handle(const facts::MovesThinned& fact);
  void handle(const facts::BurstFound&) {}  // it finds them itself, at its own threshold
  void handle(const facts::SpikeFound&) {}
  void handle(const facts::KernelCounts& fact);
  void handle(const facts::ProcessAllocations& fact);
  void handle(const facts::CodeNamed& fact);
  void handle(const facts::StackSeen& fact);
  void handle(const facts::StacksCounted& fact);
  void handle(const facts::KernelLogged& fact);
  void handle(const facts::Noted& fact);
  void handle(const facts::SessionKnown& fact);
  void handle(const facts::RecordingEnded& fact);
  Life* at(facts::MemcgIndex memcg) const;
  void note_limit(const Life& memcg) const;
  std::uint64_t burst_threshold_bytes(const Life& memcg, const timeline::Row& row) const;
  std::uint64_t below_high_bytes(const Life& memcg, const timeline::Row& row) const;
  void count_life(const Life& memcg);
  void find_tightest(Live& live) const;
  const Life* shown_live() const;
  void set_wanted(Life& memcg, bool wanted);
  void tell_findings(facts::MemcgIndex index, Life& memcg) const;
  void keep_few_windows(facts::MemcgIndex memcg, std::size_t kill);
  void keep_few_overviews(facts::MemcgIndex gone);
  void forget_old_lives(std::deque<facts::MemcgIndex>& dead, std::uint64_t now_ns);
  std::string forgotten() const;
  bool add_victims(const facts::Kill& kill, facts::MemcgIndex memcg);
  // Those that the report's memcgs are made of.
  struct Shown {
    facts::MemcgIndex index = 0;
    const Life* state = nullptr;
  };
  using States = std::vector<Shown>;
  using Inheritances = std::map<facts::MemcgIndex, report::Inherited>;
  // `make(state)`: the report's memcg of that life, but for what is known of all together.
  template <class Make>
  report::Report assemble(Make make) const;
  report::Memcg build(Life& memcg) const;
  void join_log(std::vector<report::Memcg>& memcgs, const States& states) const;
  std::optional<std::size_t> place_of(const facts::KernelLogged& killed, const facts::KernelLogged* origin,
                                      const std::vector<report::Memcg>& memcgs, const States& states) const;
  static void add_missing(report::Memcg& memcg, std::vector<report::OomKill> kills);
  void tell_what_became(std::vector<report::Memcg>& memcgs, const States& states) const;
  std::optional<report::OomKill::After> after(const report::OomKill& kill, const Life& memcg,
                                              const std::set<const Life*>& populated) const;
  const Life& container_of(const Life& memcg) const;
  std::set<const Life*> populated() const;
  Inheritances find_inherited() const;
  void complete(std::vector<report::PodCgroup>& pods, const Inheritances& inherited) const;
  report::Thread describe(std::uint32_t thread) const;
  bool is_wanted(const facts::Description& description) const;
  void join_threads(std::vector<report::Culprit>& culprits) const;
  std::vector<report::Thread> name_culprits(std::vector<report::Memcg>& memcgs) const;
  std::optional<report::Stacks> stacks() const;

  LifeOptions options_;
  std::map<facts::MemcgIndex, std::unique_ptr<Life>> lives_;  // none of what is not in the target
  std::map<facts::MemcgIndex, Life*> living_;                 // of them
  // Where the latest ones lie, by the end of their index: nearly every fact asks for one of few.
  mutable std::array<std::pair<facts::MemcgIndex, Life*>, 256> nearby_{};
  // One call of the OOM killer: an entry in each memcg that lost a process.
  struct Incident {
    std::uint32_t number = 0;
    std::vector<std::pair<facts::MemcgIndex, std::size_t>> entries;
  };
  Incident incident_;                 // the last one
  std::uint64_t entries_beside_ = 0;  // of incidents that have one already
  std::vector<facts::KernelLogged> log_;
  Threads threads_;
  report::Stacks code_;  // modules and frames, until there are stacks
  std::vector<facts::StackSeen> stacks_;
  std::optional<facts::StacksCounted> stacks_counted_;
  facts::SessionKnown session_;
  std::size_t most_spikes_ = 0;                                    // of one memcg, where memory is bounded
  std::deque<std::pair<facts::MemcgIndex, std::size_t>> windows_;  // kills that have their timeline, by time
  std::deque<facts::MemcgIndex> fine_overviews_;                   // of memcgs that are gone
  std::deque<facts::MemcgIndex> dead_;                             // of those that lost no process
  std::deque<facts::MemcgIndex> killed_;                           // the others
  std::uint64_t forgotten_lives_ = 0;
  mutable std::optional<std::uint64_t> smallest_limit_bytes_;  // of those that are wanted
  mutable bool smallest_limit_is_known_ = false;               // else it is to be found anew
  bool has_ended_ = false;
  // Containers by their pod's path and their name, and how many lives of each are kept.
  using ContainerName = std::pair<std::string, std::string>;
  static std::optional<ContainerName> name_of_container(const Life& memcg);
  std::map<ContainerName, std::size_t> lived_;
  std::uint64_t restarts_ = 0;
  // Of what is reported on: its kills, and the most bursts of one that is gone. Also of what is forgotten.
  std::uint64_t kills_ = 0;
  std::uint64_t most_bursts_of_dead_ = 0;
  bool has_high_ = false;           // some memcg has, or had, a memory.high
  std::vector<std::string> notes_;  // first those of the reading
  std::size_t notes_of_reading_ = 0;
  std::uint64_t dropped_notes_ = 0;
};

}  // namespace memspike::lives
