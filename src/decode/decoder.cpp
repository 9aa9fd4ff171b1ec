#include "decode/decoder.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>

namespace memspike::decode {
namespace {

// Saturates: a hostile page count must not wrap into a small number of bytes, nor become
// kNoHeadroom. 2^63 - 1 is the most that spike::Detector takes.
std::uint64_t to_bytes(std::uint64_t pages, std::uint64_t page_size_bytes) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
  const int shift = std::countr_zero(page_size_bytes);  // three times a level: no place for a division
  return pages > kMax >> shift ? kMax : pages << shift;
}

// Counters are signed in the kernel; a transient negative reading is zero memory.
std::uint64_t usage_bytes(std::uint64_t pages, std::uint64_t page_size_bytes) {
  return static_cast<std::int64_t>(pages) < 0 ? 0 : to_bytes(pages, page_size_bytes);
}

OptionalBytes limit_bytes(std::uint64_t pages, std::uint64_t page_size_bytes) {
  if (pages >= MEMSPIKE_UNLIMITED_PAGES) return std::nullopt;
  return to_bytes(pages, page_size_bytes);
}

std::optional<std::uint32_t> slot_or_none(std::uint32_t slot) {
  if (slot == MEMSPIKE_NO_SLOT) return std::nullopt;
  return slot;
}

// The bytes up to the first NUL, or all of them.
template <std::size_t N>
std::string text(const char (&field)[N]) {
  return std::string(field, std::find(field, field + N, '\0'));
}

Level to_level(const memspike_level& raw, std::uint64_t page_size_bytes) {
  return {raw.slot, usage_bytes(raw.usage_pages, page_size_bytes),
          usage_bytes(raw.watermark_pages, page_size_bytes), limit_bytes(raw.max_pages, page_size_bytes),
          raw.previous_look_ns};
}

std::optional<std::uint64_t> counted(std::uint64_t count) {
  return count == MEMSPIKE_NOT_COUNTED ? std::nullopt : std::optional(count);
}

Hits to_hits(const memspike_hits& raw) {
  return {counted(raw.refused_charges), counted(raw.throttled_charges)};
}

// `levels`: `count` times memspike_level, not aligned. `path` is empty.
void fill_path(Path& path, const void* levels, std::uint32_t count, std::uint64_t outer_pages,
               std::uint64_t page_size_bytes) {
  const auto* at = static_cast<const std::byte*>(levels);
  for (std::uint32_t i = 0; i < count; ++i, at += sizeof(memspike_level)) {
    memspike_level raw;
    std::memcpy(&raw, at, sizeof(raw));
    path.levels.push_back(to_level(raw, page_size_bytes));
  }
  path.outer_headroom_bytes =
      outer_pages == MEMSPIKE_NO_HEADROOM ? kNoHeadroom : to_bytes(outer_pages, page_size_bytes);
}

Result<Event> malformed(std::string_view what, std::size_t size) {
  return fail(ErrorKind::failed, fmt::format("malformed record of {} bytes: {}", size, what));
}

// Copies out: ring buffer records are 8-byte aligned, those of a file need not be. The record must be at
// least so long; what lies behind is not set.
template <class Raw>
Raw copy(std::span<const std::byte> record, std::size_t size = sizeof(Raw)) {
  static_assert(std::is_trivially_copyable_v<Raw>);
  Raw raw;
  std::memcpy(&raw, record.data(), size);
  return raw;
}

constexpr std::size_t kSamplePrefix = offsetof(memspike_sample, levels);

// Nearly every record is a sample: it is written where it stays.
Result<Event> to_sample(const memspike_sample& raw, const void* levels, std::uint64_t page_size) {
  Result<Event> event(tl::in_place, std::in_place_type<Sample>);
  Sample& sample = *std::get_if<Sample>(&*event);
  sample.time_ns = raw.header.time_ns;
  sample.tgid = raw.tgid;
  sample.tid = raw.tid;
  sample.trigger = raw.trigger;
  sample.thinned_moves = raw.thinned_moves;
  fill_path(sample.path, levels, raw.level_count, raw.outer_headroom_pages, page_size);
  for (std::size_t purpose = 0; purpose < MEMSPIKE_PURPOSE_COUNT; ++purpose) {
    sample.allocated_bytes[purpose] = raw.allocated_pages[purpose] * page_size;
  }
  return event;
}

Result<Event> decode_sample(std::span<const std::byte> record, std::uint64_t page_size) {
  if (record.size() < kSamplePrefix) return malformed("too short for a sample", record.size());
  const auto raw = copy<memspike_sample>(record, kSamplePrefix);
  if (raw.level_count == 0 || raw.level_count > MEMSPIKE_MAX_LEVELS) {
    return malformed("sample with an impossible number of levels", record.size());
  }
  if (record.size() != kSamplePrefix + raw.level_count * sizeof(memspike_level)) {
    return malformed("sample whose size contradicts its levels", record.size());
  }
  return to_sample(raw, &record[kSamplePrefix], page_size);
}

Result<Event> decode_born(std::span<const std::byte> record) {
  if (record.size() != sizeof(memspike_memcg_born)) return malformed("size of a birth", record.size());
  const auto raw = copy<memspike_memcg_born>(record);
  if (raw.slot == MEMSPIKE_NO_SLOT) return malformed("birth without a slot", record.size());
  return MemcgBorn{raw.header.time_ns,
                   raw.serial_nr,
                   raw.cgroup_id,
                   raw.slot,
                   slot_or_none(raw.parent_slot),
                   slot_or_none(raw.pattern),
                   text(raw.name),
                   to_hits(raw.hits),
                   raw.oom_kills};
}

Result<Event> decode_gone(std::span<const std::byte> record, std::uint64_t page_size) {
  if (record.size() != sizeof(memspike_memcg_gone)) return malformed("size of a removal", record.size());
  const auto raw = copy<memspike_memcg_gone>(record);
  if (raw.reason > MEMSPIKE_GONE_DISABLED) return malformed("removal for an unknown reason", record.size());
  return MemcgGone{raw.header.time_ns,
                   raw.serial_nr,
                   to_level(raw.last, page_size),
                   to_hits(raw.hits),
                   raw.reason == MEMSPIKE_GONE_DISABLED,
                   raw.oom_kills,
                   raw.thinned_moves};
}

Result<Event> decode_oom(std::span<const std::byte> record, std::uint64_t page_size) {
  if (record.size() != sizeof(memspike_oom_kill)) return malformed("size of an OOM kill", record.size());
  const auto raw = copy<memspike_oom_kill>(record);
  if (raw.level_count == 0 || raw.level_count > MEMSPIKE_MAX_LEVELS) {
    return malformed("OOM kill with an impossible number of levels", record.size());
  }
  if (raw.outer_count > MEMSPIKE_MAX_LEVELS) {
    return malformed("OOM kill with an impossible number of outer levels", record.size());
  }
  OomKill kill;
  kill.time_ns = raw.header.time_ns;
  kill.victim_tgid = raw.victim_tgid;
  kill.victim_tid = raw.victim_tid;
  kill.trigger_tgid = raw.trigger_tgid;
  kill.anon_rss_bytes = usage_bytes(raw.anon_rss_pages, page_size);
  kill.file_rss_bytes = usage_bytes(raw.file_rss_pages, page_size);
  kill.shmem_rss_bytes = usage_bytes(raw.shmem_rss_pages, page_size);
  kill.oom_score_adj = raw.oom_score_adj;
  kill.is_group = (raw.oom_flags & MEMSPIKE_OOM_GROUP) != 0;
  if ((raw.oom_flags & MEMSPIKE_OOM_KNOWN) != 0)
    kill.origin = OomKill::Origin{raw.oom_serial_nr, raw.oom_cgroup_id, raw.incident, raw.oom_constraint,
                                  raw.oom_order};
  kill.trigger_serial_nr = raw.trigger_serial_nr;
  kill.trigger_is_kthread = (raw.oom_flags & MEMSPIKE_OOM_BY_KTHREAD) != 0;
  kill.parent = {raw.parent_tgid, raw.parent_serial_nr, text(raw.parent_comm)};
  kill.pid_in_namespace = raw.pid_in_namespace;
  kill.namespace_depth = raw.namespace_depth;
  kill.killed = raw.killed != 0;
  kill.victim_comm = text(raw.victim_comm);
  kill.trigger_comm = text(raw.trigger_comm);
  fill_path(kill.path, raw.levels, raw.level_count, raw.outer_headroom_pages, page_size);
  for (const memspike_outer_level& outer : std::span(raw.outer, raw.outer_count)) {
    kill.outer.push_back({outer.cgroup_id, usage_bytes(outer.usage_pages, page_size),
                          limit_bytes(outer.max_pages, page_size)});
  }
  return kill;
}

Result<Event> decode_stack(std::span<const std::byte> record, std::uint64_t page_size) {
  constexpr std::size_t kPrefix = offsetof(memspike_stack, frames);
  if (record.size() < kPrefix) return malformed("too short for a stack", record.size());
  const auto raw = copy<memspike_stack>(record, std::min(record.size(), sizeof(memspike_stack)));
  if (raw.kernel_count > MEMSPIKE_MAX_FRAMES || raw.user_count > MEMSPIKE_MAX_FRAMES) {
    return malformed("stack with an impossible number of frames", record.size());
  }
  if (record.size() != kPrefix + (raw.kernel_count + raw.user_count) * sizeof(raw.frames[0])) {
    return malformed("stack whose size contradicts its frames", record.size());
  }
  Stack stack;
  stack.time_ns = raw.header.time_ns;
  stack.bytes = to_bytes(raw.pages, page_size);
  stack.slot = raw.slot;
  stack.tgid = raw.tgid;
  stack.tid = raw.tid;
  stack.comm = text(raw.comm);
  stack.copy = raw.copy_id;
  const __u64* frames = raw.frames;
  stack.kernel.assign(frames, frames + raw.kernel_count);
  stack.user.assign(frames + raw.kernel_count, frames + raw.kernel_count + raw.user_count);
  return stack;
}

Result<Event> decode_stall(std::span<const std::byte> record, std::uint64_t page_size) {
  if (record.size() != sizeof(memspike_stall)) return malformed("size of a stall", record.size());
  const auto raw = copy<memspike_stall>(record);
  if (raw.duration_ns > raw.header.time_ns)
    return malformed("a stall since before the clock began", record.size());
  if (raw.kind > MEMSPIKE_STALL_THROTTLED) return malformed("a stall of an unknown kind", record.size());
  return Stall{raw.header.time_ns, raw.duration_ns, usage_bytes(raw.reclaimed_pages, page_size), raw.slot,
               raw.tgid,           raw.tid,         raw.kind == MEMSPIKE_STALL_THROTTLED};
}

Result<Event> decode_limit_hits(std::span<const std::byte> record) {
  if (record.size() != sizeof(memspike_limit_hits)) return malformed("size of limit hits", record.size());
  const auto raw = copy<memspike_limit_hits>(record);
  return LimitHits{raw.header.time_ns, raw.slot, to_hits(raw.hits)};
}

}  // namespace

Result<Event> decode(std::span<const std::byte> record, std::uint64_t page_size_bytes) {
  if (record.size() < sizeof(memspike_header)) return malformed("shorter than its header", record.size());
  const auto header = copy<memspike_header>(record);
  if (header.size != record.size()) return malformed("its header names another size", record.size());
  // ktime_t is signed: what is later is no time, and differences of times must stay differences.
  if (header.time_ns > std::numeric_limits<std::int64_t>::max()) {
    return malformed("its time is not one of the monotonic clock", record.size());
  }
  switch (header.type) {
    case MEMSPIKE_RECORD_SAMPLE:
      return decode_sample(record, page_size_bytes);
    case MEMSPIKE_RECORD_MEMCG_BORN:
      return decode_born(record);
    case MEMSPIKE_RECORD_MEMCG_GONE:
      return decode_gone(record, page_size_bytes);
    case MEMSPIKE_RECORD_OOM_KILL:
      return decode_oom(record, page_size_bytes);
    case MEMSPIKE_RECORD_STACK:
      return decode_stack(record, page_size_bytes);
    case MEMSPIKE_RECORD_STALL:
      return decode_stall(record, page_size_bytes);
    case MEMSPIKE_RECORD_LIMIT_HITS:
      return decode_limit_hits(record);
    default:
      return malformed(fmt::format("unknown type {}", header.type), record.size());
  }
}

}  // namespace memspike::decode
