// The fields of every fact but the rows, by name: one description for the writer and the reader.
// A field that a reader does not find stays as it is by default, so older recordings can be read.
#pragma once

#include "report/fact.h"

namespace memspike::recording {

template <class Archive>
void describe(Archive& a, report::Container& v) {
  a("id", v.id);
  a("name", v.name);
}

template <class Archive>
void describe(Archive& a, report::Description& v) {
  a("role", v.role);
  a("container", v.container);
}

template <class Archive>
void describe(Archive& a, report::Hook& v) {
  a("event", v.event);
  a("attach", v.attach);
}

template <class Archive>
void describe(Archive& a, report::ProgramRuns& v) {
  a("program", v.program);
  a("runs", v.runs);
  a("ns", v.ns);
}

template <class Archive>
void describe(Archive& a, report::Self& v) {
  a("duration_ns", v.duration_ns);
  a("cpu_ns", v.cpu_ns);
  a("peak_rss_bytes", v.peak_rss_bytes);
  a("programs", v.programs);
}

template <class Archive>
void describe(Archive& a, report::Session& v) {
  a("start_monotonic_ns", v.start_monotonic_ns);
  a("start_realtime_ns", v.start_realtime_ns);
  a("kernel_release", v.kernel_release);
  a("cgroup_mode", v.cgroup_mode);
  a("tier", v.tier);
  a("tier_reason", v.tier_reason);
  a("hooks", v.hooks);
  a("page_size_bytes", v.page_size_bytes);
  a("sweep_period_ns", v.sweep_period_ns);
  a("max_sample_gap_ns", v.max_sample_gap_ns);
  a("container_filter", v.container_filter);
  a("self", v.self);
}

template <class Archive>
void describe(Archive& a, report::Target& v) {
  a("description", v.description);
  a("pod_uid", v.pod_uid);
  a("namespace", v.namespace_name);
  a("pod", v.pod);
  a("qos", v.qos);
  a("cgroup", v.cgroup);
}

template <class Archive>
void describe(Archive& a, report::Counter& v) {
  a("name", v.first);
  a("value", v.second);
}

template <class Archive>
void describe(Archive& a, report::OomKill::Victim& v) {
  a("pid", v.pid);
  a("comm", v.comm);
}

template <class Archive>
void describe(Archive& a, report::OomKill::Trigger& v) {
  a("pid", v.pid);
  a("comm", v.comm);
}

template <class Archive>
void describe(Archive& a, report::OomKill::Level& v) {
  a("path", v.path);
  a("usage_bytes", v.usage_bytes);
  a("limit_bytes", v.limit_bytes);
}

template <class Archive>
void describe(Archive& a, report::OomKill& v) {
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
  a("victims", v.victims);
  a("trigger", v.trigger);
  a("chain", v.chain);
}

template <class Archive>
void describe(Archive& a, report::MemcgFound& v) {
  a("memcg", v.memcg);
  a("cgroup_id", v.cgroup_id);
  a("parent", v.parent);
  a("path", v.path);
  a("description", v.description);
}

template <class Archive>
void describe(Archive& a, report::MemcgNamed& v) {
  a("memcg", v.memcg);
  a("description", v.description);
}

template <class Archive>
void describe(Archive& a, composition::Allocated& v) {
  a("user_bytes", v.user_bytes);
  a("kernel_bytes", v.kernel_bytes);
  a("other_bytes", v.other_bytes);
}

template <class Archive>
void describe(Archive& a, report::MemcgCharged& v) {
  a("memcgs", v.memcgs);
  a("pid", v.pid);
  a("tid", v.tid);
  a("bytes", v.bytes);
  a("allocated", v.allocated);
}

template <class Archive>
void describe(Archive& a, report::ThreadSeen& v) {
  a("pid", v.thread.tgid);
  a("tid", v.thread.tid);
  a("start_ticks", v.thread.start_ticks);
  a("comm", v.thread.comm);
  a("cmdline", v.thread.cmdline);
}

template <class Archive>
void describe(Archive& a, report::Module& v) {
  a("path", v.path);
  a("build_id", v.build_id);
}

template <class Archive>
void describe(Archive& a, report::Frame& v) {
  a("function", v.function);
  a("module", v.module);
  a("address", v.address);
}

template <class Archive>
void describe(Archive& a, report::CodeNamed& v) {
  a("modules", v.modules);
  a("frames", v.frames);
}

template <class Archive>
void describe(Archive& a, report::StackSeen& v) {
  a("memcg", v.memcg);
  a("pages", v.stack.pages);
  a("samples", v.stack.samples);
  a("pid", v.stack.pid);
  a("comm", v.stack.comm);
  a("kernel", v.stack.kernel);
  a("user", v.stack.user);
  a("cut_short", v.stack.cut_short);
}

template <class Archive>
void describe(Archive& a, report::StacksCounted& v) {
  a("overflow_pages", v.overflow_pages);
}

template <class Archive>
void describe(Archive& a, report::InactiveFileRead& v) {
  a("memcg", v.memcg);
  a("bytes", v.bytes);
}

template <class Archive>
void describe(Archive& a, composition::Parts& v) {
  a("anon_bytes", v.anon_bytes);
  a("file_bytes", v.file_bytes);
  a("shmem_bytes", v.shmem_bytes);
  a("kernel_bytes", v.kernel_bytes);
  a("sock_bytes", v.sock_bytes);
}

template <class Archive>
void describe(Archive& a, report::MemoryStatRead& v) {
  a("memcg", v.memcg);
  a("usage_bytes", v.usage_bytes);
  a("parts", v.parts);
  a("has_processes", v.has_processes);
}

template <class Archive>
void describe(Archive& a, report::MemcgGone& v) {
  a("memcg", v.memcg);
  a("watermark_bytes", v.watermark_bytes);
  a("limit_hits", v.limit_hits);
  a("high_hits", v.high_hits);
}

template <class Archive>
void describe(Archive& a, report::ProcessKilled& v) {
  a("memcgs", v.memcgs);
  a("same_incident", v.same_incident);
  a("kill", v.kill);
}

template <class Archive>
void describe(Archive& a, report::KernelCounts& v) {
  a("memcg", v.memcg);
  a("peak_bytes", v.peak_bytes);
  a("peak_source", v.peak_source);
  a("oom_kills", v.oom_kills);
  a("limit_hits", v.limit_hits);
  a("high_hits", v.high_hits);
}

template <class Archive>
void describe(Archive& a, report::LimitHit& v) {
  a("memcg", v.memcg);
  a("refused_charges", v.hits.refused_charges);
  a("throttled_charges", v.hits.throttled_charges);
}

template <class Archive>
void describe(Archive& a, report::TaskStalled& v) {
  a("memcg", v.memcg);
  a("duration_ns", v.duration_ns);
  a("reclaimed_bytes", v.reclaimed_bytes);
  a("pid", v.pid);
  a("tid", v.tid);
}

template <class Archive>
void describe(Archive& a, report::ProcessAllocations& v) {
  a("memcg", v.memcg);
  a("pid", v.pid);
  a("comm", v.comm);
  a("by_order", v.by_order);
}

template <class Archive>
void describe(Archive& a, report::KernelLogged& v) {
  a("pid", v.pid);
  a("names_origin", v.names_origin);
  a("oom_cgroup", v.oom_path);
  a("text", v.text);
}

template <class Archive>
void describe(Archive& a, report::Noted& v) {
  a("memcg", v.memcg);
  a("text", v.text);
}

template <class Archive>
void describe(Archive& a, report::SessionKnown& v) {
  a("session", v.session);
  a("target", v.target);
  a("events", v.events);
  a("lost", v.lost);
}

template <class Archive>
void describe(Archive&, report::RecordingEnded&) {}

// The name of a fact's event in the trace.
inline const char* event_name(const report::MemcgFound&) { return "memcg found"; }
inline const char* event_name(const report::MemcgNamed&) { return "memcg named"; }
inline const char* event_name(const report::MemcgCharged&) { return "charged"; }
inline const char* event_name(const report::ThreadSeen&) { return "thread"; }
inline const char* event_name(const report::CodeNamed&) { return "code"; }
inline const char* event_name(const report::StackSeen&) { return "stack"; }
inline const char* event_name(const report::StacksCounted&) { return "stacks"; }
inline const char* event_name(const report::InactiveFileRead&) { return "inactive file"; }
inline const char* event_name(const report::MemoryStatRead&) { return "memory stat"; }
inline const char* event_name(const report::MemcgGone&) { return "memcg gone"; }
inline const char* event_name(const report::ProcessKilled&) { return "oom kill"; }
inline const char* event_name(const report::TaskStalled&) { return "stall"; }
inline const char* event_name(const report::LimitHit&) { return "limit hit"; }
inline const char* event_name(const report::KernelCounts&) { return "kernel counts"; }
inline const char* event_name(const report::ProcessAllocations&) { return "process allocations"; }
inline const char* event_name(const report::KernelLogged&) { return "kernel log"; }
inline const char* event_name(const report::Noted&) { return "note"; }
inline const char* event_name(const report::SessionKnown&) { return "session"; }
inline const char* event_name(const report::RecordingEnded&) { return "recording ended"; }

}  // namespace memspike::recording
