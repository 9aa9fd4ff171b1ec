// The node service without its surroundings: facts in; what is counted, kept and written of them.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "cgroup/hierarchy.h"
#include "cgroup/node_scope.h"
#include "facts/sink.h"
#include "recording/flight_recorder.h"
#include "serve/background.h"
#include "serve/catch_up.h"
#include "serve/dossiers.h"
#include "serve/excerpt.h"
#include "serve/kill_log.h"
#include "serve/meter.h"

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
};

// What stands between the facts and the world: all in the thread that records, but what is said otherwise.
struct Surroundings {
  std::function<std::uint64_t()> monotonic_ns;
  std::function<recording::Clocks()> clocks;
  std::function<std::filesystem::path(const std::string& path)> memcg_dir;
  std::function<void(const std::string& text)> warn;  // any thread may
};

class Service : public facts::FactSink {
 public:
  // How it is with what is written.
  struct Written {
    std::size_t dossiers = 0;
    std::uint64_t dossier_bytes = 0;
    std::uint64_t made = 0;
    std::uint64_t failed = 0;
    std::uint64_t forgotten = 0;
    std::string last_failure;
  };

  Service(ServiceOptions options, Surroundings surroundings);

  // Finds what the run before has left. Before the first fact. What cannot be written is told and counted,
  // and the rest goes on.
  void open(std::string boot_id);
  // The thread that writes, with the rights that there are now.
  void start_writing() { background_.start(); }
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
  std::size_t living() const { return living_; }
  // The last `for_ns` of what a target names: its latest life, with all of its pod. Nothing: it is not kept.
  std::optional<Excerpt> last(std::string_view target, std::uint64_t for_ns);
  // The kill that is meant, the last of several. nullptr: none.
  const KillRecord* last_kill(std::string_view target) const;
  // What there is now of a dossier that is not complete yet.
  std::optional<Excerpt> unfinished(std::uint64_t number);

  // Any thread may.
  Written written() const;
  std::filesystem::path dossier_path(const std::string& name) const { return dossiers_.path_of(name); }

 private:
  struct Life {
    facts::MemcgFound found;
    std::optional<SubjectId> subject;  // that it is, and that is watched
    bool is_excluded = false;
    OptionalBytes limit_bytes;
    std::uint64_t found_ns = 0;
    bool is_caught_up = false;
    std::optional<std::uint64_t> gone_ns;
  };
  struct Pending {
    facts::MemcgIndex memcg = 0;
    SubjectId subject;
    std::uint64_t time_ns = 0;  // of the first kill
    std::uint64_t realtime_ns = 0;
    std::vector<std::uint64_t> numbers;  // of all its kills
  };
  struct Done {
    std::vector<std::uint64_t> numbers;
    std::string name;
    std::string why_not;
  };

  void handle(const facts::MemcgRow& fact);
  void handle(const facts::MemcgFound& fact);
  void handle(const facts::MemcgNamed& fact);
  void handle(const facts::MemcgGone& fact);
  void handle(const facts::ProcessKilled& fact);
  void handle(const facts::TasksHung& fact);
  void handle(const facts::LimitHit& fact);
  void handle(const facts::TaskStalled& fact);
  void handle(const facts::SessionKnown& fact) { session_ = fact; }
  template <class F>
  void handle(const F&) {}

  Life* find(facts::MemcgIndex memcg);
  Life* above(const Life& life);
  Life* subject_at(facts::MemcgIndex memcg);
  void name(Life& life);
  bool is_wanted(const SubjectId& subject) const;
  OptionalBytes limit_above(const Life& life);
  KilledBy killed_by(const facts::Kill& kill, const Life& life);
  KillRecord record_of(const Life& life) const;
  void await_dossier(const Life& life, const KillRecord& kill, std::uint64_t time_ns);
  void log(const KillRecord& kill) { lines_ += to_line(kill) + "\n"; }
  void tell_unseen(const Life& life, std::uint64_t kills, const char* why);
  void catch_up(std::uint64_t now_ns);
  Excerpt excerpt_of(facts::MemcgIndex memcg, std::uint64_t from_ns, std::uint64_t to_ns);
  void make_dossier(Pending pending);
  void make_due(std::uint64_t now_ns, bool all);
  void take_done();
  void write_lines();
  void save_counts();
  void forget_old(std::uint64_t now_ns);
  void post(Background::Job job);
  // In the background's thread.
  void write_dossier(const Excerpt& excerpt, const Pending& pending);
  void settle(Done done);
  void note_failure(const Error& error);

  ServiceOptions options_;
  Surroundings world_;
  recording::FlightRecorder flight_;
  Meters meters_;
  KillLog kills_;
  std::optional<CatchUp> catch_up_;
  facts::SessionKnown session_;
  std::unordered_map<facts::MemcgIndex, Life> lives_;
  std::size_t living_ = 0;
  std::deque<Pending> pending_;  // by time
  std::string lines_;            // for the log, not written yet
  std::uint64_t next_second_ns_ = 0;
  std::uint64_t next_save_ns_ = 0;
  bool is_data_dir_usable_ = false;

  mutable std::mutex mutex_;  // of what follows
  std::vector<Done> done_;
  Written written_;

  Dossiers dossiers_;      // of the background's thread
  Background background_;  // last: it ends before what it works on
};

}  // namespace memspike::serve
