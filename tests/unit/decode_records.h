// Records as the BPF programs write them, for tests that start from bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "memspike/abi.h"

namespace memspike::wire {

using Bytes = std::vector<std::byte>;

template <class Raw>
Bytes bytes_of(const Raw& raw, std::size_t size_bytes = sizeof(Raw)) {
  Bytes bytes(size_bytes);
  std::memcpy(bytes.data(), &raw, std::min(size_bytes, sizeof(raw)));
  return bytes;
}

inline memspike_header header(memspike_record_type type, std::size_t size_bytes, std::uint64_t time_ns) {
  return {static_cast<__u16>(type), static_cast<__u16>(size_bytes), 0, time_ns};
}

inline memspike_level level(std::uint32_t slot, std::uint64_t usage_pages, std::uint64_t watermark_pages,
                            std::uint64_t max_pages = MEMSPIKE_UNLIMITED_PAGES,
                            std::uint64_t previous_look_ns = 0) {
  return {slot, 0, usage_pages, watermark_pages, max_pages, previous_look_ns};
}

// Copies as much of the text as the field takes; without a NUL when it fills it.
template <std::size_t N>
void put_text(char (&field)[N], std::string_view text) {
  std::copy_n(text.begin(), std::min(N, text.size()), field);
}

inline Bytes sample(std::uint64_t time_ns, const std::vector<memspike_level>& levels,
                    std::uint64_t outer_headroom_pages = MEMSPIKE_NO_HEADROOM) {
  memspike_sample raw{};
  const std::size_t size = offsetof(memspike_sample, levels) + levels.size() * sizeof(memspike_level);
  raw.header = header(MEMSPIKE_RECORD_SAMPLE, size, time_ns);
  raw.outer_headroom_pages = outer_headroom_pages;
  raw.tgid = 4711;
  raw.tid = 4712;
  raw.trigger = MEMSPIKE_TRIGGER_PAGE_ALLOC;
  raw.level_count = static_cast<__u32>(levels.size());
  std::copy(levels.begin(), levels.end(), raw.levels);
  return bytes_of(raw, size);
}

inline Bytes born(std::uint64_t time_ns, std::uint64_t serial_nr, std::uint32_t slot,
                  std::uint32_t parent_slot, std::string_view name, std::uint64_t cgroup_id = 0,
                  std::uint32_t pattern = MEMSPIKE_NO_SLOT) {
  memspike_memcg_born raw{};
  raw.header = header(MEMSPIKE_RECORD_MEMCG_BORN, sizeof(raw), time_ns);
  raw.serial_nr = serial_nr;
  raw.cgroup_id = cgroup_id;
  raw.slot = slot;
  raw.parent_slot = parent_slot;
  raw.pattern = pattern;
  put_text(raw.name, name);
  return bytes_of(raw);
}

inline Bytes gone(std::uint64_t time_ns, std::uint64_t serial_nr, const memspike_level& last,
                  memspike_gone_reason reason = MEMSPIKE_GONE_REMOVED) {
  memspike_memcg_gone raw{};
  raw.header = header(MEMSPIKE_RECORD_MEMCG_GONE, sizeof(raw), time_ns);
  raw.serial_nr = serial_nr;
  raw.last = last;
  raw.reason = reason;
  return bytes_of(raw);
}

// A stack of process 4711 that made the memcg at a slot rise.
inline memspike_stack raw_stack(std::uint64_t time_ns, std::uint32_t slot, std::uint64_t pages,
                                std::initializer_list<std::uint64_t> kernel,
                                std::initializer_list<std::uint64_t> user) {
  memspike_stack raw{};
  const std::size_t count = kernel.size() + user.size();
  raw.header =
      header(MEMSPIKE_RECORD_STACK, offsetof(memspike_stack, frames) + count * sizeof(__u64), time_ns);
  raw.pages = pages;
  raw.slot = slot;
  raw.tgid = 4711;
  raw.tid = 4712;
  raw.trigger = MEMSPIKE_TRIGGER_CHARGE;
  raw.kernel_count = static_cast<__u32>(kernel.size());
  raw.user_count = static_cast<__u32>(user.size());
  put_text(raw.comm, "worker");
  std::copy(user.begin(), user.end(), std::copy(kernel.begin(), kernel.end(), raw.frames));
  return raw;
}

inline Bytes stack(std::uint64_t time_ns, std::uint32_t slot, std::uint64_t pages,
                   std::initializer_list<std::uint64_t> kernel, std::initializer_list<std::uint64_t> user) {
  const memspike_stack raw = raw_stack(time_ns, slot, pages, kernel, user);
  return bytes_of(raw, raw.header.size);
}

// An OOM kill of process 815, "victim", by a charge of process 816, "trigger".
inline memspike_oom_kill raw_oom_kill(std::uint64_t time_ns, std::initializer_list<memspike_level> levels) {
  memspike_oom_kill raw{};
  raw.header = header(MEMSPIKE_RECORD_OOM_KILL, sizeof(raw), time_ns);
  raw.outer_headroom_pages = MEMSPIKE_NO_HEADROOM;
  raw.victim_tgid = 815;
  raw.victim_tid = 817;
  raw.trigger_tgid = 816;
  raw.level_count = static_cast<__u32>(levels.size());
  raw.anon_rss_pages = 10;
  raw.file_rss_pages = 20;
  raw.shmem_rss_pages = 30;
  raw.oom_score_adj = -998;
  raw.killed = 1;
  put_text(raw.victim_comm, "victim");
  put_text(raw.trigger_comm, "trigger");
  std::copy(levels.begin(), levels.end(), raw.levels);
  return raw;
}

inline Bytes stall(std::uint64_t time_ns, std::uint32_t slot, std::uint64_t duration_ns,
                   std::uint64_t reclaimed_pages, std::uint32_t kind = MEMSPIKE_STALL_RECLAIM) {
  memspike_stall raw{};
  raw.header = header(MEMSPIKE_RECORD_STALL, sizeof(raw), time_ns);
  raw.duration_ns = duration_ns;
  raw.reclaimed_pages = reclaimed_pages;
  raw.slot = slot;
  raw.tgid = 816;
  raw.tid = 818;
  raw.kind = kind;
  return bytes_of(raw);
}

inline Bytes limit_hits(std::uint64_t time_ns, std::uint32_t slot, std::uint64_t refused_charges,
                        std::uint64_t throttled_charges) {
  memspike_limit_hits raw{};
  raw.header = header(MEMSPIKE_RECORD_LIMIT_HITS, sizeof(raw), time_ns);
  raw.slot = slot;
  raw.hits = {refused_charges, throttled_charges};
  return bytes_of(raw);
}

inline Bytes oom_kill(std::uint64_t time_ns, std::initializer_list<memspike_level> levels) {
  return bytes_of(raw_oom_kill(time_ns, levels));
}

}  // namespace memspike::wire
