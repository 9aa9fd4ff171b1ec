// The node service without its surroundings: facts in; what is counted, kept and written of them.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cgroup/hierarchy.h"
#include "cgroup/node_scope.h"
#include "facts/sink.h"
#include "recording/flight_recorder.h"
#include "serve/catch_up.h"
#include "serve/closer.h"
#include "serve/dossiers.h"
#include "serve/excerpt.h"
#include "serve/kill_log.h"
#include "serve/meter.h"
#include "serve/store.h"
#include "serve/watched.h"

namespace memspike::serve {

struct ServiceOptions {
  cgroup::NodeScope scope = cgroup::NodeScope::pods;
  std::vector<std::string> namespaces;  // globs; empty: all
  std::vector<std::string> excluded;    // globs of namespace/pod/container
  std::uint64_t keep_ns = 60'000'000'000;
  std::uint64_t after_ns = 10'000'000'000;  // of a dossier: what follows the kill
  std::size_t memory_bytes = std::size_t{32} << 20;
  std::filesystem::path data_dir;
  Dossiers::Limits dossiers;
  bool zooms = false;  // decides by itself when to look closer: see Zoom
  std::uint64_t zoom_haste = 1;
  bool redacts = false;  // leaves out command lines, and what looks like arguments in processes' names
};

// What stands between the facts and the world: all in the thread that records, but what is said otherwise.
struct Surroundings {
  std::function<std::uint64_t()> monotonic_ns;
  std::function<recording::Clocks()> clocks;
  std::function<std::filesystem::path(const std::string& path)> memcg_dir;
  cgroup::Version version = cgroup::Version::any;
  std::function<void(const std::string& text)> warn;  // any thread may
};

class Service : public facts::FactSink {
 public:
  Service(ServiceOptions options, Surroundings surroundings);

  // Finds what the run before has left. Before the first fact. What cannot be written (`problem`: that is
  // known already) is told and counted, and the rest goes on.
  void open(std::string boot_id, const std::optional<Error>& problem = {});
  // The thread that writes, with the rights that there are now.
  void start_writing() { store_.start(); }
  // Dossiers that wait for what follows their kill get what there is; all is written.
  void finish();

  void apply(const facts::Fact& fact) override;
  // Writes what is due, and forgets what is over.
  void tick(std::uint64_t now_ns) override;
  // Options that may change while it runs: what is watched from now on.
  void set_filters(std::vector<std::string> namespaces, std::vector<std::string> excluded);

  // What is asked of it, in the thread that records.
  std::uint64_t now_ns() const { return world_.monotonic_ns(); }
  Meters& meters() { return meters_; }
  const KillLog& kills() const { return kills_; }
  const facts::SessionKnown& session() const { return session_; }
  const recording::FlightRecorder& flight() const { return flight_; }
  // What is to be looked at closer from now on: see Closer.
  std::optional<std::vector<facts::MemcgIndex>> take_zoom() { return closer_.take_wish(); }
  // Somebody says by hand how close to look: it decides no more.
  void stop_zooming();
  const Closer& closer() const { return closer_; }
  std::size_t living() const { return watched_.living(); }
  // The last `for_ns` of what a target names: its latest life, with all of its pod. Nothing: it is not kept.
  std::optional<Excerpt> last(std::string_view target, std::uint64_t for_ns);
  // The kill that is meant, the last of several. nullptr: none.
  const KillRecord* last_kill(std::string_view target) const;
  // What there is now of a dossier that is not on the disk yet, and when it will be complete.
  struct Unfinished {
    Excerpt excerpt;
    std::uint64_t complete_ns = 0;
  };
  std::optional<Unfinished> unfinished(std::uint64_t number);

  // Any thread may.
  Written written() const { return store_.written(); }
  std::filesystem::path dossier_path(const std::string& name) const { return store_.path_of(name); }

 private:
  struct Pending {
    facts::MemcgIndex memcg = 0;
    SubjectId subject;
    std::uint64_t time_ns = 0;  // of the first kill
    std::uint64_t realtime_ns = 0;
    std::vector<std::uint64_t> numbers;  // of all its kills
  };
  void handle(const facts::MemcgRow& fact);
  void handle(const facts::MemcgFound& fact);
  void handle(const facts::MemcgNamed& fact);
  void handle(const facts::MemcgGone& fact);
  void handle(const facts::ProcessKilled& fact);
  void handle(const facts::TasksHung& fact);
  void handle(const facts::LimitHit& fact);
  void handle(const facts::TaskStalled& fact);
  void handle(const facts::MovesThinned& fact);
  void handle(const facts::SessionKnown& fact) { session_ = fact; }
  void handle(const facts::Noted& fact);
  template <class F>
  void handle(const F&) {}

  void take(const facts::Fact& fact);
  void name(Life& life);
  void look_around(std::uint64_t now_ns);
  bool is_wanted(const SubjectId& subject) const;
  KillRecord record_of(const Life& life) const;
  void await_dossier(const Life& life, const KillRecord& kill, std::uint64_t time_ns);
  void log(const KillRecord& kill);
  void tell_unseen(const Life& life, std::uint64_t kills, const char* why);
  void catch_up(std::uint64_t now_ns);
  Excerpt excerpt_of(facts::MemcgIndex memcg, std::uint64_t from_ns, std::uint64_t to_ns);
  const Pending* find_unwritten(std::uint64_t number) const;
  void make_dossier(Pending pending);
  void make_due(std::uint64_t now_ns, bool all);
  void take_done();
  void write_lines();
  void save_counts();
  void forget_old(std::uint64_t now_ns);

  ServiceOptions options_;
  Surroundings world_;
  recording::FlightRecorder flight_;
  Meters meters_;
  KillLog kills_;
  std::optional<CatchUp> catch_up_;
  std::deque<facts::MemcgIndex> found_;  // not caught up yet, by when they were found
  facts::SessionKnown session_;
  Watched watched_;
  Closer closer_;
  std::deque<Pending> pending_;  // by time
  std::deque<Pending> writing_;  // on their way to the disk
  std::string lines_;            // for the log, not written yet
  std::uint64_t line_count_ = 0;
  std::uint64_t next_second_ns_ = 0;
  std::uint64_t next_save_ns_ = 0;
  std::uint64_t next_forgetting_ns_ = 0;
  Store store_;
};

}  // namespace memspike::serve
