// Events for tests of the interpreter and the builder, which stand together here as in a session.
#pragma once

#include <cstdint>
#include <deque>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "decode/event.h"
#include "report/builder.h"
#include "report/interpreter.h"

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

inline report::Description anything(const std::string&) { return {}; }

// From events to the report.
class Recording {
 public:
  Recording(report::BuilderOptions options, report::Interpreter::Describe describe)
      : builder_(std::make_unique<report::Builder>(std::move(options))),
        interpreter_(std::make_unique<report::Interpreter>(
            std::move(describe),
            [builder = builder_.get()](const report::Fact& fact) { builder->apply(fact); })) {}

  void name_cgroup(std::uint64_t cgroup_id, std::string path) {
    interpreter_->name_cgroup(cgroup_id, std::move(path));
  }
  void on_row(report::Builder::RowSink sink) { builder_->on_row(std::move(sink)); }
  void apply(const decode::Event& event) { interpreter_->apply(event); }
  void apply(const report::Fact& fact) { builder_->apply(fact); }
  void learn(process::ThreadFacts thread) { interpreter_->learn({1, std::move(thread)}); }
  report::RawStacks take_stacks(std::uint64_t page_size_bytes) {
    return interpreter_->take_stacks(page_size_bytes);
  }
  void close(std::uint64_t time_ns) { interpreter_->close(time_ns); }
  report::Builder::Live live() const { return builder_->live(); }
  std::uint64_t min_prominence_bytes() const { return builder_->min_prominence_bytes(); }
  std::optional<report::MemcgIndex> find(std::uint64_t serial_nr) const {
    return interpreter_->find(serial_nr);
  }
  std::uint64_t orphans() const { return interpreter_->orphans(); }
  const std::deque<report::Interpreter::Memcg>& memcgs() const { return interpreter_->memcgs(); }
  const report::MemcgState& state(report::MemcgIndex memcg) const { return *builder_->find(memcg); }
  report::Report take() { return builder_->take(); }

 private:
  std::unique_ptr<report::Builder> builder_;
  std::unique_ptr<report::Interpreter> interpreter_;
};

// A recording that knows the root "/pod" as serial 100 at slot 0.
inline Recording recording_of_pod(report::BuilderOptions options = {}) {
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
