// The fields of every fact but the rows, by name: one description for the recording's writer and reader, for
// JSON and for its schema.
// A field that a reader does not find stays as it is by default, so older recordings can be read.
#pragma once

#include <concepts>
#include <type_traits>

#include "facts/fact.h"

namespace memspike::facts {

// To be read or to be filled in.
template <class Value, class Fact>
concept Like = std::same_as<std::remove_const_t<Value>, Fact>;

void describe(auto& a, Like<Container> auto& v) {
  a("id", v.id);
  a("name", v.name);
}

void describe(auto& a, Like<PodId> auto& v) {
  a("uid", v.uid);
  a("namespace", v.namespace_name);
  a("name", v.name);
  a("qos", v.qos);
}

void describe(auto& a, Like<Description> auto& v) {
  a("role", v.role);
  a("container", v.container);
  a("pod", v.pod);
}

void describe(auto& a, Like<Hook> auto& v) {
  a("event", v.event);
  a("attach", v.attach);
}

void describe(auto& a, Like<ProgramRuns> auto& v) {
  a("program", v.program);
  a("runs", v.runs);
  a("ns", v.ns);
}

void describe(auto& a, Like<Self> auto& v) {
  a("duration_ns", v.duration_ns);
  a("cpu_ns", v.cpu_ns);
  a("peak_rss_bytes", v.peak_rss_bytes);
  a("map_bytes", v.map_bytes);
  a("programs", v.programs);
}

void describe(auto& a, Like<DetailSpan> auto& v) {
  a("from_ns", v.from_ns);
  a("detail", v.detail);
}

void describe(auto& a, Like<ClockOffset> auto& v) {
  a("monotonic_ns", v.monotonic_ns);
  a("realtime_ns", v.realtime_ns);
}

void describe(auto& a, Like<Session> auto& v) {
  a("start_monotonic_ns", v.start_monotonic_ns);
  a("start_realtime_ns", v.start_realtime_ns);
  a("kernel_release", v.kernel_release);
  a("cgroup_mode", v.cgroup_mode);
  a("tier", v.tier);
  a("tier_reason", v.tier_reason);
  a("detail", v.detail);
  a("details", v.details);
  a("not_seen", v.not_seen);
  a("hooks", v.hooks);
  a("page_size_bytes", v.page_size_bytes);
  a("sweep_period_ns", v.sweep_period_ns);
  a("max_sample_gap_ns", v.max_sample_gap_ns);
  a("container_filter", v.container_filter);
  a("self", v.self);
  a("clock_steps", v.clock_steps);
}

void describe(auto& a, Like<Target> auto& v) {
  a("description", v.description);
  a("pod_uid", v.pod_uid);
  a("namespace", v.namespace_name);
  a("pod", v.pod);
  a("qos", v.qos);
  a("cgroup", v.cgroup);
}

void describe(auto& a, Like<Counter> auto& v) {
  a("name", v.first);
  a("value", v.second);
}

void describe(auto& a, Like<Kill::Victim> auto& v) {
  a("pid", v.pid);
  a("comm", v.comm);
  a("cgroup", v.cgroup);
  a("standing", v.standing);
  a("parent_pid", v.parent_pid);
  a("parent_comm", v.parent_comm);
}

void describe(auto& a, Like<Kill::Lowered> auto& v) {
  a("time_ns", v.time_ns);
  a("before_bytes", v.before_bytes);
  a("after_bytes", v.after_bytes);
  a("usage_bytes", v.usage_bytes);
  a("by_trigger", v.by_trigger);
}

void describe(auto& a, Like<Kill::Trigger> auto& v) {
  a("pid", v.pid);
  a("comm", v.comm);
  a("cgroup", v.cgroup);
  a("is_kthread", v.is_kthread);
}

void describe(auto& a, Like<Kill::Level> auto& v) {
  a("path", v.path);
  a("usage_bytes", v.usage_bytes);
  a("limit_bytes", v.limit_bytes);
}

void describe(auto& a, Like<Kill> auto& v) {
  a("pid", v.pid);
  a("comm", v.comm);
  a("usage_bytes", v.usage_bytes);
  a("limit_bytes", v.limit_bytes);
  a("anon_rss_bytes", v.anon_rss_bytes);
  a("file_rss_bytes", v.file_rss_bytes);
  a("shmem_rss_bytes", v.shmem_rss_bytes);
  a("oom_score_adj", v.oom_score_adj);
  a("limit_cgroup", v.limit_path);
  a("limit_known", v.limit_source);
  a("node_kill", v.node_kill);
  a("lowered", v.lowered);
  a("victims", v.victims);
  a("trigger", v.trigger);
  a("chain", v.chain);
}

void describe(auto& a, Like<MemcgFound> auto& v) {
  a("memcg", v.memcg);
  a("cgroup_id", v.cgroup_id);
  a("parent", v.parent);
  a("path", v.path);
  a("description", v.description);
}

void describe(auto& a, Like<MemcgNamed> auto& v) {
  a("memcg", v.memcg);
  a("description", v.description);
}

void describe(auto& a, Like<composition::Allocated> auto& v) {
  a("user_bytes", v.user_bytes);
  a("kernel_bytes", v.kernel_bytes);
  a("other_bytes", v.other_bytes);
}

void describe(auto& a, Like<MemcgCharged> auto& v) {
  a("memcgs", v.memcgs);
  a("pid", v.pid);
  a("tid", v.tid);
  a("bytes", v.bytes);
  a("allocated", v.allocated);
}

void describe(auto& a, Like<process::Runtime> auto& v) {
  a("name", v.name);
  a("setting", v.setting);
  a("told_bytes", v.told_bytes);
  a("follows_limit", v.follows_limit);
}

void describe(auto& a, Like<ThreadSeen> auto& v) {
  a("pid", v.thread.tgid);
  a("tid", v.thread.tid);
  a("start_ticks", v.thread.start_ticks);
  a("comm", v.thread.comm);
  a("cmdline", v.thread.cmdline);
  a("runtime", v.thread.runtime);
}

void describe(auto& a, Like<Module> auto& v) {
  a("path", v.path);
  a("build_id", v.build_id);
}

void describe(auto& a, Like<Frame> auto& v) {
  a("function", v.function);
  a("module", v.module);
  a("address", v.address);
  a("file", v.file);
  a("line", v.line);
  a("is_inlined", v.is_inlined);
}

void describe(auto& a, Like<CodeNamed> auto& v) {
  a("modules", v.modules);
  a("frames", v.frames);
}

void describe(auto& a, Like<StackSeen> auto& v) {
  a("memcg", v.memcg);
  a("pages", v.stack.pages);
  a("samples", v.stack.samples);
  a("pid", v.stack.pid);
  a("comm", v.stack.comm);
  a("kernel", v.stack.kernel);
  a("user", v.stack.user);
  a("cut_short", v.stack.cut_short);
  a("since_ns", v.stack.since_ns);
  a("until_ns", v.stack.until_ns);
}

void describe(auto& a, Like<StacksCounted> auto& v) { a("overflow_pages", v.overflow_pages); }

void describe(auto& a, Like<InactiveFileRead> auto& v) {
  a("memcg", v.memcg);
  a("bytes", v.bytes);
}

void describe(auto& a, Like<composition::Parts> auto& v) {
  a("anon_bytes", v.anon_bytes);
  a("file_bytes", v.file_bytes);
  a("shmem_bytes", v.shmem_bytes);
  a("kernel_bytes", v.kernel_bytes);
  a("sock_bytes", v.sock_bytes);
}

void describe(auto& a, Like<MemoryStatRead> auto& v) {
  a("memcg", v.memcg);
  a("usage_bytes", v.usage_bytes);
  a("parts", v.parts);
  a("has_processes", v.has_processes);
  a("reclaimable_file_bytes", v.reclaimable_file_bytes);
}

void describe(auto& a, Like<MemcgGone> auto& v) {
  a("memcg", v.memcg);
  a("watermark_bytes", v.watermark_bytes);
  a("limit_hits", v.refused_charges);
  a("high_hits", v.throttled_charges);
  a("oom_kills", v.oom_kills);
}

void describe(auto& a, Like<ProcessKilled> auto& v) {
  a("memcgs", v.memcgs);
  a("same_incident", v.same_incident);
  a("kill", v.kill);
}

void describe(auto& a, Like<KernelCounts> auto& v) {
  a("memcg", v.memcg);
  a("peak_bytes", v.peak_bytes);
  a("peak_source", v.peak_source);
  a("oom_kills", v.oom_kills);
  a("limit_hits", v.refused_charges);
  a("high_hits", v.throttled_charges);
  a("populated", v.populated);
  a("pressure_ns", v.pressure_ns);
}

void describe(auto& a, Like<LimitHit> auto& v) {
  a("memcg", v.memcg);
  a("refused_charges", v.hits.refused_charges);
  a("throttled_charges", v.hits.throttled_charges);
}

void describe(auto& a, Like<MovesThinned> auto& v) {
  a("memcg", v.memcg);
  a("from_ns", v.from_ns);
  a("moves", v.moves);
}

void describe(auto& a, Like<timeline::UsageAt> auto& v) {
  a("time_ns", v.time_ns);
  a("usage_bytes", v.usage_bytes);
}

void describe(auto& a, Like<spike::Burst> auto& v) {
  a("outcome", v.outcome);
  a("floor", v.floor);
  a("top", v.top);
  a("rise_begin", v.rise_begin);
  a("rise_end", v.rise_end);
  a("half_begin_ns", v.half_begin_ns);
  a("high_begin_ns", v.high_begin_ns);
  a("duration_ns", v.duration_ns);
  a("crest_ns", v.crest_ns);
  a("end_ns", v.end_ns);
  std::optional<std::uint64_t> headroom_bytes = spike::headroom_of(v);
  a("headroom_bytes", headroom_bytes);
  if constexpr (!std::is_const_v<std::remove_reference_t<decltype(v)>>)
    v.headroom_bytes = headroom_bytes.value_or(spike::kNoHeadroom);
  a("headroom_is_of_high", v.is_of_high);
}

void describe(auto& a, Like<BurstFound> auto& v) {
  a("memcg", v.memcg);
  a("burst", v.burst);
}

void describe(auto& a, Like<TaskStalled> auto& v) {
  a("memcg", v.memcg);
  a("duration_ns", v.duration_ns);
  a("reclaimed_bytes", v.reclaimed_bytes);
  a("pid", v.pid);
  a("tid", v.tid);
  a("throttled", v.throttled);
}

void describe(auto& a, Like<TasksHung::Task> auto& v) {
  a("pid", v.pid);
  a("tid", v.tid);
}

void describe(auto& a, Like<TasksHung> auto& v) {
  a("memcg", v.memcg);
  a("over", v.over);
  a("limit_cgroup", v.limit_path);
  a("tasks", v.tasks);
}

void describe(auto& a, Like<HighSet> auto& v) {
  a("memcg", v.memcg);
  a("high_bytes", v.high_bytes);
}

void describe(auto& a, Like<ProcessAllocations> auto& v) {
  a("memcg", v.memcg);
  a("pid", v.pid);
  a("comm", v.comm);
  a("by_order", v.by_order);
}

void describe(auto& a, Like<KernelLogged> auto& v) {
  a("pid", v.pid);
  a("names_origin", v.names_origin);
  a("oom_cgroup", v.oom_path);
  a("text", v.text);
  a("scope", v.scope);
  a("node_kill", v.node_kill);
  a("victim_cgroups", v.victim_paths);
  a("comm", v.comm);
  a("anon_rss_bytes", v.anon_rss_bytes);
  a("file_rss_bytes", v.file_rss_bytes);
  a("shmem_rss_bytes", v.shmem_rss_bytes);
  a("oom_score_adj", v.oom_score_adj);
}

void describe(auto& a, Like<Noted> auto& v) {
  a("memcg", v.memcg);
  a("text", v.text);
}

void describe(auto& a, Like<SessionKnown> auto& v) {
  a("session", v.session);
  a("target", v.target);
  a("events", v.events);
  a("lost", v.lost);
}

void describe(auto&, Like<RecordingEnded> auto&) {}

// The name of a fact's event in the trace.
inline const char* event_name(const MemcgFound&) { return "memcg found"; }
inline const char* event_name(const MemcgNamed&) { return "memcg named"; }
inline const char* event_name(const MemcgCharged&) { return "charged"; }
inline const char* event_name(const ThreadSeen&) { return "thread"; }
inline const char* event_name(const CodeNamed&) { return "code"; }
inline const char* event_name(const StackSeen&) { return "stack"; }
inline const char* event_name(const StacksCounted&) { return "stacks"; }
inline const char* event_name(const InactiveFileRead&) { return "inactive file"; }
inline const char* event_name(const MemoryStatRead&) { return "memory stat"; }
inline const char* event_name(const MemcgGone&) { return "memcg gone"; }
inline const char* event_name(const ProcessKilled&) { return "oom kill"; }
inline const char* event_name(const TaskStalled&) { return "stall"; }
inline const char* event_name(const TasksHung&) { return "tasks hung"; }
inline const char* event_name(const HighSet&) { return "high set"; }
inline const char* event_name(const LimitHit&) { return "limit hit"; }
inline const char* event_name(const MovesThinned&) { return "thinned"; }
inline const char* event_name(const BurstFound&) { return "burst"; }
inline const char* event_name(const KernelCounts&) { return "kernel counts"; }
inline const char* event_name(const ProcessAllocations&) { return "process allocations"; }
inline const char* event_name(const KernelLogged&) { return "kernel log"; }
inline const char* event_name(const Noted&) { return "note"; }
inline const char* event_name(const SessionKnown&) { return "session"; }
inline const char* event_name(const RecordingEnded&) { return "recording ended"; }

}  // namespace memspike::facts
