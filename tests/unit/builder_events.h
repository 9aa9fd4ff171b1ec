// Events for tests of the builder.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>

#include "decode/event.h"
#include "report/builder.h"

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
  for (const decode::Level& each : levels) result.levels[result.count++] = each;
  result.outer_headroom_bytes = outer_headroom_bytes;
  return result;
}

inline decode::Sample sample(std::uint64_t time_ns, std::initializer_list<decode::Level> levels,
                             std::uint64_t outer_headroom_bytes = decode::kNoHeadroom) {
  return {time_ns, 1, 1, MEMSPIKE_TRIGGER_PAGE_ALLOC, path(levels, outer_headroom_bytes)};
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

// A builder that knows the root "/pod" as serial 100 at slot 0.
inline report::Builder builder_with_pod(report::BuilderOptions options = {}) {
  report::Builder builder(options, anything);
  builder.name_cgroup(10, "/pod");
  builder.apply(root_born(100, 0, 10));
  return builder;
}

// One spike of the memcg at slot 0: from base to peak and back, within 20 ns.
inline void push_spike(report::Builder& builder, std::uint64_t time_ns, std::uint64_t base_bytes,
                       std::uint64_t peak_bytes, std::optional<std::uint64_t> limit_bytes = {}) {
  // The watermark is held at one height, so that it adds no rows.
  constexpr std::uint64_t kWatermark = std::uint64_t{1} << 40;
  decode::Level base = level(0, base_bytes, limit_bytes, kWatermark);
  decode::Level peak = level(0, peak_bytes, limit_bytes, kWatermark);
  base.previous_look_ns = peak.previous_look_ns = time_ns;
  builder.apply(sample(time_ns, {base}));
  builder.apply(sample(time_ns + 10, {peak}));
  builder.apply(sample(time_ns + 20, {base}));
}

}  // namespace memspike::events
