#include "probe/plan.h"

#include <fmt/core.h>

#include <array>

namespace memspike::probe {
namespace {

struct Entry {
  Program program;
  bool (*allowed)(const Features&, Tier);
};

bool always(const Features&, Tier) { return true; }
bool by_fexit(const Features& f, Tier tier) { return tier == Tier::charge && f.has_fentry; }
bool by_kprobe(const Features& f, Tier tier) { return tier == Tier::charge && !f.has_fentry; }
bool oom_by_fentry(const Features& f, Tier) { return f.has_oom_kill_process && f.has_fentry; }
bool oom_by_kprobe(const Features& f, Tier) {
  return f.has_oom_kill_process && !f.has_fentry && f.has_kprobe;
}

template <bool Features::*kFunction>
bool throttle_by_fentry(const Features& f, Tier) {
  return f.*kFunction && f.has_fentry;
}
template <bool Features::*kFunction>
bool throttle_by_kprobe(const Features& f, Tier) {
  return f.*kFunction && !f.has_fentry && f.has_kprobe;
}

constexpr std::string_view kNoReclaim = "falls by reclaim are seen by the sweep, not at once";
constexpr std::string_view kNoSwitch =
    "whose a page is has to be asked at each one, and the last charge before a task sleeps is seen late";
constexpr std::string_view kNoCgroups =
    "new containers are seen at their first page, removed ones at the next check";
constexpr std::string_view kNoMoves = "whose a page is has to be asked at each one, which costs more";
constexpr std::string_view kInferred = "which limit was hit is inferred from the memcgs' usage";
constexpr std::string_view kNoThrottle = "how long memory.high puts tasks to sleep is not seen";
constexpr std::string_view kNoOom = "OOM kills are not seen";

// One row a program. The order matters only for readers: what can be missed first comes first.
constexpr std::array kPrograms{
    Entry{{"walk_memcgs", "", "", Need::required, ""}, always},
    Entry{{"sweep_one", "", "", Need::required, ""}, always},
    Entry{{"on_mkdir", "cgroup_mkdir", "tp_btf", Need::optional, kNoCgroups},
          [](const Features& f, Tier) { return f.has_cgroup_tracepoints; }},
    Entry{{"on_rmdir", "cgroup_rmdir", "tp_btf", Need::optional, kNoCgroups},
          [](const Features& f, Tier) { return f.has_cgroup_tracepoints; }},
    Entry{{"on_attach_task", "cgroup_attach_task", "tp_btf", Need::optional, kNoMoves, Detail::pages},
          [](const Features& f, Tier) { return f.has_cgroup_tracepoints; }},
    Entry{{"on_signal", "signal_generate", "tp_btf", Need::optional,
           "a mark of a task that was dying already counts as a kill"},
          [](const Features& f, Tier) {
            return f.has_signal_tracepoint && f.mark_victim != MarkVictim::absent;
          }},
    Entry{{"on_oom_kill_process", "oom_kill_process", "fentry", Need::optional, kInferred}, oom_by_fentry},
    Entry{{"after_oom_kill_process", "oom_kill_process", "fexit", Need::optional, kInferred}, oom_by_fentry},
    Entry{{"kprobe_oom_kill_process", "oom_kill_process", "kprobe", Need::optional, kInferred},
          oom_by_kprobe},
    Entry{{"kretprobe_oom_kill_process", "oom_kill_process", "kretprobe", Need::optional, kInferred},
          oom_by_kprobe},
    Entry{{"on_mark_victim_task", "mark_victim", "tp_btf", Need::optional, kNoOom},
          [](const Features& f, Tier) { return f.mark_victim == MarkVictim::takes_task; }},
    Entry{{"on_mark_victim_pid", "mark_victim", "tp_btf", Need::optional, kNoOom},
          [](const Features& f, Tier) { return f.mark_victim == MarkVictim::takes_pid; }},
    Entry{{"on_rename", "task_rename", "tp_btf", Need::optional,
           "a process is listed by the name it had at its first allocation", Detail::pages},
          [](const Features& f, Tier) { return f.has_rename_tracepoint; }},
    Entry{{"on_switch", "sched_switch", "tp_btf", Need::optional, kNoSwitch, Detail::pages},
          [](const Features& f, Tier) { return f.has_switch_tracepoint; }},
    Entry{{"on_page_alloc", "mm_page_alloc", "tp_btf", Need::required, "", Detail::pages}, always},
    Entry{{"on_reclaim_begin", "mm_vmscan_memcg_reclaim_begin", "tp_btf", Need::optional, kNoReclaim},
          [](const Features& f, Tier) { return f.has_reclaim_tracepoints; }},
    Entry{{"on_reclaim_end", "mm_vmscan_memcg_reclaim_end", "tp_btf", Need::optional, kNoReclaim},
          [](const Features& f, Tier) { return f.has_reclaim_tracepoints; }},
    // Before 6.18 each task comes here after each switch: 565 instructions for the two.
    Entry{{"on_over_high", "mem_cgroup_handle_over_high", "fentry", Need::optional, kNoThrottle,
           Detail::sweep, true},
          throttle_by_fentry<&Features::has_over_high>},
    Entry{{"after_over_high", "mem_cgroup_handle_over_high", "fexit", Need::optional, kNoThrottle,
           Detail::sweep, true},
          throttle_by_fentry<&Features::has_over_high>},
    Entry{{"kprobe_over_high", "mem_cgroup_handle_over_high", "kprobe", Need::optional, kNoThrottle,
           Detail::sweep, true},
          throttle_by_kprobe<&Features::has_over_high>},
    Entry{{"kretprobe_over_high", "mem_cgroup_handle_over_high", "kretprobe", Need::optional, kNoThrottle,
           Detail::sweep, true},
          throttle_by_kprobe<&Features::has_over_high>},
    Entry{{"on_over_high", "__mem_cgroup_handle_over_high", "fentry", Need::optional, kNoThrottle},
          throttle_by_fentry<&Features::has_over_high_inline>},
    Entry{{"after_over_high", "__mem_cgroup_handle_over_high", "fexit", Need::optional, kNoThrottle},
          throttle_by_fentry<&Features::has_over_high_inline>},
    Entry{{"kprobe_over_high", "__mem_cgroup_handle_over_high", "kprobe", Need::optional, kNoThrottle},
          throttle_by_kprobe<&Features::has_over_high_inline>},
    Entry{{"kretprobe_over_high", "__mem_cgroup_handle_over_high", "kretprobe", Need::optional, kNoThrottle},
          throttle_by_kprobe<&Features::has_over_high_inline>},
    Entry{{"on_try_charge", "page_counter_try_charge", "fexit", Need::required, "", Detail::charges},
          by_fexit},
    Entry{{"on_charge", "page_counter_charge", "fexit", Need::required, "", Detail::charges}, by_fexit},
    Entry{{"on_uncharge", "page_counter_uncharge", "fexit", Need::required, "", Detail::charges}, by_fexit},
    Entry{{"kprobe_try_charge", "page_counter_try_charge", "kprobe", Need::required, "", Detail::charges},
          by_kprobe},
    Entry{
        {"kretprobe_try_charge", "page_counter_try_charge", "kretprobe", Need::required, "", Detail::charges},
        by_kprobe},
    Entry{{"kprobe_charge", "page_counter_charge", "kprobe", Need::required, "", Detail::charges}, by_kprobe},
    Entry{{"kretprobe_charge", "page_counter_charge", "kretprobe", Need::required, "", Detail::charges},
          by_kprobe},
    Entry{{"kprobe_uncharge", "page_counter_uncharge", "kprobe", Need::required, "", Detail::charges},
          by_kprobe},
    Entry{{"kretprobe_uncharge", "page_counter_uncharge", "kretprobe", Need::required, "", Detail::charges},
          by_kprobe},
    Entry{{"start_sweep", "sweep", "bpf_timer", Need::optional, "the sweep is driven from user space"},
          [](const Features& f, Tier) { return f.has_timer; }},
};

// The same kernel with all that is optional.
Features without_gaps(const Features& features) {
  Features whole = features;
  for (const auto flag :
       {&Features::has_cgroup_tracepoints, &Features::has_signal_tracepoint, &Features::has_rename_tracepoint,
        &Features::has_switch_tracepoint, &Features::has_reclaim_tracepoints, &Features::has_timer}) {
    whole.*flag = true;
  }
  if (whole.mark_victim == MarkVictim::absent) whole.mark_victim = MarkVictim::takes_task;
  return whole;
}

// A line for each loss: what this kernel lacks of what the tier would use at this detail.
std::vector<std::string> find_gaps(const Features& features, Tier tier, Detail detail) {
  const Features whole = without_gaps(features);
  std::vector<std::string> gaps;
  std::string_view told;
  for (const auto& [program, allowed] : kPrograms) {
    if (program.least > detail || program.loss == told) continue;
    if (!allowed(whole, tier) || allowed(features, tier)) continue;
    told = program.loss;
    gaps.push_back(fmt::format("{}: the kernel lacks it; {}",
                               program.attach == "tp_btf" ? program.event : program.attach, program.loss));
  }
  return gaps;
}

std::string why_no_charge_tier(const Features& features) {
  if (!features.has_charge_functions) return "the kernel has no page_counter functions to hook";
  return fmt::format("fentry: {}; kprobe: {}", features.fentry_error, features.kprobe_error);
}

Detail to_detail(DetailChoice choice, bool can_charge) {
  switch (choice) {
    case DetailChoice::sweep:
      return Detail::sweep;
    case DetailChoice::charges:
      return Detail::charges;
    case DetailChoice::pages:
      return Detail::pages;
    case DetailChoice::automatic:
      break;
  }
  return can_charge ? Detail::charges : Detail::sweep;
}

}  // namespace

bool has_detail(Tier tier, Detail detail) { return tier == Tier::charge || detail != Detail::charges; }

std::string_view to_string(Detail detail) {
  switch (detail) {
    case Detail::sweep:
      return "sweep";
    case Detail::charges:
      return "charges";
    case Detail::pages:
      break;
  }
  return "pages";
}

std::string_view to_string(Tier tier) { return tier == Tier::charge ? "charge" : "tracepoint"; }

std::string_view tier_name(Tier tier, Detail detail) {
  return detail == Detail::sweep ? "sweep" : to_string(tier);
}

std::vector<std::string_view> not_seen(Tier tier, Detail detail) {
  std::vector<std::string_view> unseen;
  if (detail < Detail::pages) {
    unseen.push_back("the sizes of allocations, and what they were for");
  }
  if (detail == Detail::sweep) {
    unseen.push_back("which thread charged: who rose is told by the processes' own counters");
    unseen.push_back("where in the code memory was charged");
  }
  if (detail == Detail::sweep || tier == Tier::tracepoint) {
    unseen.push_back("falls between two looks of the sweep: they are seen at the next one");
  }
  return unseen;
}

Result<Plan> make_plan(const Features& features, TierChoice tier, DetailChoice detail) {
  Plan plan;
  const bool can_charge = features.has_charge_functions && (features.has_fentry || features.has_kprobe);
  if (tier == TierChoice::tracepoint) {
    plan.tier_reason = "asked for by --tier";
  } else if (can_charge) {
    plan.tier = Tier::charge;
  } else {
    plan.tier_reason = why_no_charge_tier(features);
  }
  if (tier == TierChoice::charge && !can_charge) {
    return fail(ErrorKind::unsupported,
                fmt::format("the charge tier is not possible here: {}", plan.tier_reason),
                "leave out --tier: the tracepoint tier has the same peaks and spikes");
  }
  plan.detail = to_detail(detail, plan.tier == Tier::charge);
  if (!has_detail(plan.tier, plan.detail)) {
    return fail(ErrorKind::unsupported, fmt::format("charges cannot be watched here: {}", plan.tier_reason),
                "--detail pages has the same peaks and spikes, --detail sweep costs least");
  }
  for (const Entry& entry : kPrograms) {
    if (entry.allowed(features, plan.tier)) plan.programs.push_back(entry.program);
  }
  plan.missing = find_gaps(features, plan.tier, plan.detail);
  return plan;
}

std::vector<std::string_view> all_program_names() {
  std::vector<std::string_view> names;
  for (const Entry& entry : kPrograms) names.push_back(entry.program.name);
  return names;
}

}  // namespace memspike::probe
