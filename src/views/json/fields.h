// The keys of the JSON report, each once: what is written, and the schema, come from here. The facts that
// look the same in a recording are described in facts/fields.h.
//
// A key is added behind those that are there. `a.report()` is the whole that a value is part of; of the
// schema's, all values are as their types make them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "blindspot/scraper.h"
#include "facts/fields.h"
#include "facts/names.h"
#include "views/json/json_values.h"
#include "views/json/memcg_fields.h"
#include "views/json/subjects.h"

namespace memspike::views {

inline void describe(auto& a, const Shown<ClockOffset>& v) {
  a("time_ns", v.value.monotonic_ns);
  a("utc", Utc{v.value.realtime_ns});
}

inline void describe(auto& a, const Shown<facts::Session>& shown_session) {
  const facts::Session& v = shown_session.value;
  a("start_utc", Utc{v.start_realtime_ns});
  a("duration_ns", v.duration_ns);
  a("kernel_release", v.kernel_release);
  a("cgroup_mode", v.cgroup_mode, "v1, v2 or hybrid");
  a("tier", v.tier, "tracepoint, charge or sweep");
  a("hooks", v.hooks);
  a("sweep_period_ns", v.sweep_period_ns);
  a("max_sample_gap_ns", v.max_sample_gap_ns, "the longest time without a look while the target was active");
  a("min_prominence_bytes", v.min_prominence_bytes);
  a("tier_reason", v.tier_reason, "why not a better one; empty for the best");
  a("detail", v.detail, "pages, charges or sweep: the last one");
  a("details", v.details, "all of them");
  a("not_seen", v.not_seen, "what this detail cannot know");
  a("clock_steps", shown(v.clock_steps), "from when on UTC was another: somebody set the clock");
}

inline void describe(auto& a, const Shown<facts::Target>& target) {
  a("pod_uid", target.value.pod_uid);
  a("namespace", target.value.namespace_name);
  a("pod", target.value.pod);
  a("qos", target.value.qos);
  a("cgroup", target.value.cgroup);
}

inline void describe(auto& a, const Shown<facts::Self>& self) {
  const facts::Self& v = self.value;
  a("duration_ns", v.duration_ns);
  a("cpu_ns", v.cpu_ns);
  a("peak_rss_bytes", v.peak_rss_bytes);
  a("map_bytes", v.map_bytes, "kernel memory of its BPF maps; 0 in an older recording");
  a("ns_per_event", facts::ns_per_event(v), "with --self");
  a("programs", v.programs);
}

inline void describe(auto& a, const StackShown& v) {
  a("pages", v.stack.pages);
  a("samples", v.stack.samples);
  a("pid", v.stack.pid);
  a("comm", v.stack.comm);
  a("container", v.stack.container);
  a("cgroup", v.stack.cgroup);
  a("pod", v.stack.pod);
  a("way_in", v.way_in, "what the kernel was asked for: \"page fault\", \"fork\", …");
  a("kernel", v.kernel, "functions, innermost first");
  a("user", v.user);
  a("cut_short", v.stack.cut_short, "what called the last one is not known");
}

inline void describe(auto& a, const StackPages& v) {
  a("total", v.total);
  a("overflow", v.overflow);
  a("with_user_stack", v.with_user_stack);
  a("cut_short", v.cut_short);
}

inline void describe(auto& a, const blindspot::Scraper& v) {
  const auto bytes = [&](std::uint64_t blindspot::Shown::*value) {
    return v.shown ? std::optional(*v.shown.*value) : std::nullopt;
  };
  a("period_ns", v.period_ns);
  a("looks_ppm", v.looks.ppm);
  a("shown_p5_bytes", bytes(&blindspot::Shown::p5_bytes));
  a("shown_p50_bytes", bytes(&blindspot::Shown::p50_bytes));
  a("shown_p95_bytes", bytes(&blindspot::Shown::p95_bytes));
  a("sees_peak_ppm", v.sees_peak.ppm);
  a("sees_peak_at_least_ppm", v.sees_peak.at_least_ppm);
  a("sees_peak_at_most_ppm", v.sees_peak.at_most_ppm);
}

inline void describe(auto& a, const BlindSpot& v) {
  a("shows", v.working_set_known ? "working_set" : "usage", "working_set or usage");
  a("scrapers", v.scrapers);
}

inline void describe(auto& a, const advice::Bound& v) {
  a("percent", v.percent);
  a("height_bytes", v.height_bytes);
  a("limit_bytes", v.limit_bytes);
  a("at_least", v.at_least, "what was cut off hides the true height");
}

inline void describe(auto& a, const advice::Candidate& v) {
  a("limit_bytes", v.limit_bytes);
  a("held", v.held);
  a("unknown", v.unknown);
}

inline void describe(auto& a, const report::LimitAdvice& v) {
  a("spikes", v.advice.spikes, "bursts and levels");
  a("cut_off", v.advice.cut_off, "of them");
  a("margin_percent", advice::kMarginPercent);
  a("limits", v.advice.bounds);
  a("extrapolated_bytes", v.advice.extrapolated_bytes);
  a("request_bytes", v.advice.request_bytes);
  a("curve", v.advice.curve);
  a("basis", v.advice.basis, "of the first limit");
  a("basis_bytes", v.advice.basis_bytes);
  a("held_bytes", v.known.held_bytes, "that reclaim could not have given back");
  a("pod_limit_bytes", v.pod_limit_bytes);
  a("runtimes", v.runtimes);
  a("held_down", v.advice.held_down, "of those cut off: by memory.high");
}

inline void describe(auto& a, const PercentAbove& v) {
  a("percent", v.percent);
  a("ns", v.ns);
}

inline void describe(auto& a, const SubjectShown& v) {
  std::vector<PercentAbove> above;
  for (std::size_t i = 0; i < advice::TimeAbove::kPercents.size(); ++i)
    above.push_back({advice::TimeAbove::kPercents[i], v.observed.time_above.above_ns[i]});
  BlindSpot blind_spot{v.working_set_known, {}};
  for (const std::uint64_t period_ns : blindspot::kPeriodsNs)
    blind_spot.scrapers.push_back(blindspot::scrape(v.shown, period_ns, v.peak_bytes));
  a("path", v.path, "of the last life");
  a("role", v.role);
  a("container", v.container);
  a("lives", v.lives);
  a("blind_spot", blind_spot, "what dashboards show of it");
  a("advice", v.limits, "null without a rise");
  a("limited_ns", v.observed.time_above.limited_ns);
  a("above_limit", above, "how long usage stood at or above that share of the limit in force");
  a("pod", v.pod);
}

inline void describe(auto& a, const report::Report& v) {
  std::optional<Shown<facts::Self>> self;
  if (v.session.self) self.emplace(Shown<facts::Self>{*v.session.self});
  a("schema_version", std::uint64_t{report::kSchemaVersion});
  a("session", Shown<facts::Session>{v.session});
  a("target", Shown<facts::Target>{v.target});
  a("memcgs", v.memcgs, "parents before children");
  a("events", Counters{&v.events});
  a("lost", Counters{&v.lost}, "one per cause");
  a("self", self, "what memspike itself cost; null in an older recording");
  a("notes", v.notes);
  a("subjects", shown_subjects(v), "a container across its restarts, or another memcg");
  a.asked(v.stacks.has_value(), "stacks", v.stacks ? shown_stacks(*v.stacks) : std::vector<StackShown>());
  a.asked(v.stacks.has_value(), "stack_pages", v.stacks ? shown_pages(*v.stacks) : StackPages());
}

}  // namespace memspike::views
