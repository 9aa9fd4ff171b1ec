// Events for tests of the interpreter and the life table, which stand together here as in a session.
#pragma once

#include <cstdint>
#include <deque>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "capture/interpreter.h"
#include "capture/stack_sums.h"
#include "decode/event.h"
#include "lives/life_table.h"
#include "lives/timeline_rows.h"

namespace memspike::events {

inline constexpr std::uint64_t kMiB = 1U << 20;

inline decode::Level level(std::uint32_t slot, std::uint64_t usage_bytes,
                           std::optional<std::uint64_t> limit_bytes = {}, std::uint64_t watermark_bytes = 0) {
  // By default the counter never stood higher than now.
  return {slot, usage_bytes, watermark_bytes == 0 ? usage_bytes : watermark_bytes, limit_bytes, 0};
}

inline decode::Path path(std::initializer_list<decode::Level> levels,
                         std::uint64_t outer_headroom_bytes = decode::kNoHeadroom) {
  decode::Path result;
  for (const decode::Level& each : levels) result.levels.push_back(each);
  result.outer_headroom_bytes = outer_headroom_bytes;
  return result;
}

inline decode::Sample sample(std::uint64_t time_ns, std::initializer_list<decode::Level> levels,
                             std::uint64_t outer_headroom_bytes = decode::kNoHeadroom) {
  decode::Sample result;
  result.time_ns = time_ns;
  result.tgid = result.tid = 1;
  result.trigger = MEMSPIKE_TRIGGER_PAGE_ALLOC;
  result.path = path(levels, outer_headroom_bytes);
  return result;
}

// A root of the target, known by its directory's inode number.
inline decode::MemcgBorn root_born(std::uint64_t serial_nr, std::uint32_t slot, std::uint64_t cgroup_id) {
  return {1, serial_nr, cgroup_id, slot, {}, {}, "whatever"};
}

inline decode::MemcgBorn child_born(std::uint64_t serial_nr, std::uint32_t slot, std::uint32_t parent_slot,
                                    std::string name) {
  return {1, serial_nr, 0, slot, parent_slot, {}, std::move(name)};
}

inline decode::OomKill oom_kill(std::uint64_t time_ns, std::initializer_list<decode::Level> levels) {
  decode::OomKill kill;
  kill.time_ns = time_ns;
  kill.victim_tgid = 815;
  kill.killed = true;
  kill.victim_comm = "victim";
  kill.anon_rss_bytes = 3 * kMiB;
  kill.file_rss_bytes = 2 * kMiB;
  kill.shmem_rss_bytes = kMiB;
  kill.oom_score_adj = 969;
  kill.path = path(levels);
  return kill;
}

inline facts::Description anything(const std::string&) { return {}; }

// From events to the report.
class Recording {
 public:
  Recording(lives::LifeOptions options, capture::Interpreter::Describe describe)
      : lives_(std::make_unique<lives::LifeTable>(std::move(options))),
        interpreter_(std::make_unique<capture::Interpreter>(
            std::move(describe), [table = lives_.get()](const facts::Fact& fact) { table->apply(fact); })),
        take_row_(std::make_unique<lives::TimelineRows::Take>()),
        rows_(std::make_unique<lives::TimelineRows>(
            std::vector<std::string>(),
            [take = take_row_.get()](const std::string& path, const timeline::Row& row) {
              if (*take) (*take)(path, row);
            })) {
    lives_->pass_to(*rows_);
  }

  void name_cgroup(std::uint64_t cgroup_id, std::string path) {
    interpreter_->name_cgroup(cgroup_id, std::move(path));
  }
  // From now on.
  void on_row(lives::TimelineRows::Take take) { *take_row_ = std::move(take); }
  void apply(const decode::Event& event) {
    if (const auto* stack = std::get_if<decode::Stack>(&event)) {
      if (const auto memcg = interpreter_->memcg_of(*stack)) stacks_.add(*memcg, *stack);
    }
    interpreter_->apply(event);
  }
  void apply(const facts::Fact& fact) { lives_->apply(fact); }
  // As the capture does: what is known of a thread holds for the charges that follow.
  void learn(process::ThreadFacts thread) {
    interpreter_->flush();
    lives_->apply(facts::ThreadSeen{1, std::move(thread)});
  }
  facts::RawStacks take_stacks(std::uint64_t page_size_bytes) { return stacks_.take(page_size_bytes); }
  void close(std::uint64_t time_ns) { interpreter_->close(time_ns); }
  lives::LifeTable::Live live(std::uint64_t now_ns = 0) const { return lives_->live(now_ns); }
  std::uint64_t min_prominence_bytes() const { return lives_->min_prominence_bytes(); }
  std::optional<facts::MemcgIndex> find(std::uint64_t serial_nr) const {
    return interpreter_->find(serial_nr);
  }
  std::uint64_t orphans() const { return interpreter_->orphans(); }
  const capture::Memcgs& memcgs() const { return interpreter_->memcgs(); }
  const lives::Life& state(facts::MemcgIndex memcg) const { return *lives_->find(memcg); }
  report::Report take() { return lives_->take(); }

 private:
  std::unique_ptr<lives::LifeTable> lives_;
  std::unique_ptr<capture::Interpreter> interpreter_;
  capture::StackSums stacks_;
  std::unique_ptr<lives::TimelineRows::Take> take_row_;
  std::unique_ptr<lives::TimelineRows> rows_;
};

// A recording that knows the root "/pod" as serial 100 at slot 0.
inline Recording recording_of_pod(lives::LifeOptions options = {}) {
  Recording recording(std::move(options), anything);
  recording.name_cgroup(10, "/pod");
  recording.apply(root_born(100, 0, 10));
  return recording;
}

// One spike of the memcg at slot 0: from base to peak and back, within 20 ns.
inline void push_spike(Recording& recording, std::uint64_t time_ns, std::uint64_t base_bytes,
                       std::uint64_t peak_bytes, std::optional<std::uint64_t> limit_bytes = {}) {
  // The watermark is held at one height, so that it adds no rows.
  constexpr std::uint64_t kWatermark = std::uint64_t{1} << 40;
  decode::Level base = level(0, base_bytes, limit_bytes, kWatermark);
  decode::Level peak = level(0, peak_bytes, limit_bytes, kWatermark);
  base.previous_look_ns = peak.previous_look_ns = time_ns;
  recording.apply(sample(time_ns, {base}));
  recording.apply(sample(time_ns + 10, {peak}));
  recording.apply(sample(time_ns + 20, {base}));
}

}  // namespace memspike::events
