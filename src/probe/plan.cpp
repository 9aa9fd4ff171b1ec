#include "probe/plan.h"

#include <array>

namespace memspike::probe {
namespace {

struct Entry {
  Program program;
  bool (*allowed)(const Features&);
};

bool always(const Features&) { return true; }

constexpr std::string_view kNoReclaim = "falls by reclaim are seen by the sweep, not at once";
constexpr std::string_view kNoMemcgEvents =
    "a move is seen at the target's next page event or by the sweep, not at the charge itself";
constexpr std::string_view kNoCgroups =
    "new containers are seen at their first page, removed ones at the next check";
constexpr std::string_view kNoOom = "OOM kills are not seen";

// One row a program. The order matters only for readers: what can be missed first comes first.
constexpr std::array kPrograms{
    Entry{{"walk_memcgs", "", "", Need::required, ""}, always},
    Entry{{"sweep_one", "", "", Need::required, ""}, always},
    Entry{{"on_mkdir", "cgroup_mkdir", "tp_btf", Need::optional, kNoCgroups},
          [](const Features& f) { return f.has_cgroup_tracepoints; }},
    Entry{{"on_rmdir", "cgroup_rmdir", "tp_btf", Need::optional, kNoCgroups},
          [](const Features& f) { return f.has_cgroup_tracepoints; }},
    Entry{{"on_signal", "signal_generate", "tp_btf", Need::optional,
           "a mark of a task that was dying already counts as a kill"},
          [](const Features& f) { return f.has_signal_tracepoint && f.mark_victim != MarkVictim::absent; }},
    Entry{{"on_mark_victim_task", "mark_victim", "tp_btf", Need::optional, kNoOom},
          [](const Features& f) { return f.mark_victim == MarkVictim::takes_task; }},
    Entry{{"on_mark_victim_pid", "mark_victim", "tp_btf", Need::optional, kNoOom},
          [](const Features& f) { return f.mark_victim == MarkVictim::takes_pid; }},
    Entry{{"on_page_alloc", "mm_page_alloc", "tp_btf", Need::required, ""}, always},
    Entry{{"on_page_free", "mm_page_free", "tp_btf", Need::required, ""}, always},
    Entry{{"on_reclaim_begin", "mm_vmscan_memcg_reclaim_begin", "tp_btf", Need::optional, kNoReclaim},
          [](const Features& f) { return f.has_reclaim_tracepoints; }},
    Entry{{"on_reclaim_end", "mm_vmscan_memcg_reclaim_end", "tp_btf", Need::optional, kNoReclaim},
          [](const Features& f) { return f.has_reclaim_tracepoints; }},
    Entry{{"on_memcg_event", "count_memcg_events", "tp_btf", Need::optional, kNoMemcgEvents},
          [](const Features& f) { return f.has_memcg_tracepoints; }},
    Entry{{"on_memcg_state", "mod_memcg_state", "tp_btf", Need::optional, kNoMemcgEvents},
          [](const Features& f) { return f.has_memcg_tracepoints; }},
    Entry{{"start_sweep", "sweep", "bpf_timer", Need::optional, "the sweep is driven from user space"},
          [](const Features& f) { return f.has_timer; }},
};

}  // namespace

std::vector<Program> make_plan(const Features& features) {
  std::vector<Program> plan;
  for (const Entry& entry : kPrograms) {
    if (entry.allowed(features)) plan.push_back(entry.program);
  }
  return plan;
}

std::vector<std::string_view> all_program_names() {
  std::vector<std::string_view> names;
  for (const Entry& entry : kPrograms) names.push_back(entry.program.name);
  return names;
}

}  // namespace memspike::probe
