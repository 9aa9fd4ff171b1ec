#include "capture/live/event_counts.h"

#include "memspike/abi.h"

namespace memspike::capture {

void count_events(const probe::Probe& probe, const MemoryStat& memory_stat, const Unread& unread,
                  facts::SessionKnown& known) {
  const probe::Counts counts = probe.counts();
  const probe::TriggerCounts sum = counts.of_all_triggers();
  const auto fired = [&](memspike_trigger trigger) { return counts.triggers[trigger].fired; };
  known.session.max_sample_gap_ns = counts.max_gap_ns;
  // triggers = samples + unchanged + thinned + ring_buffer_full + memcg_table_full + nested_trigger +
  // program_recursion.
  known.events = {{"page_allocs", fired(MEMSPIKE_TRIGGER_PAGE_ALLOC)},
                  {"page_frees", fired(MEMSPIKE_TRIGGER_PAGE_FREE)},
                  {"charges", fired(MEMSPIKE_TRIGGER_CHARGE)},
                  {"uncharges", fired(MEMSPIKE_TRIGGER_UNCHARGE)},
                  {"reclaims", fired(MEMSPIKE_TRIGGER_RECLAIM)},
                  {"switches", fired(MEMSPIKE_TRIGGER_SWITCH)},
                  {"oom_marks", fired(MEMSPIKE_TRIGGER_OOM)},
                  {"sweep_looks", fired(MEMSPIKE_TRIGGER_SWEEP) + fired(MEMSPIKE_TRIGGER_REQUEST)},
                  {"triggers", sum.fired + counts.recursion_misses},
                  {"samples", sum.recorded},
                  {"unchanged", sum.unchanged},
                  {"thinned", sum.thinned},
                  {"stat_readings", memory_stat.readings()},
                  {"stat_readings_put_off", memory_stat.put_off()}};
  if (probe.takes_stacks()) known.events.emplace_back("stacks", counts.stacks);
  known.lost = {{"ring_buffer_full", sum.lost_ring_full},
                {"memcg_table_full", sum.lost_table_full},
                {"nested_trigger", sum.lost_nested},
                {"program_recursion", counts.recursion_misses},
                {"oom_kill_ring_buffer_full", counts.kills_lost_ring_full},
                {"memcg_event_ring_buffer_full", counts.memcgs_lost_ring_full},
                {"stack_ring_buffer_full", counts.stacks_lost_ring_full},
                {"stall_no_room", counts.stalls_lost},
                {"levels_cut", counts.levels_cut},
                {"unknown_memcg", unread.unknown_memcgs},
                {"malformed_record", unread.malformed}};
}

}  // namespace memspike::capture
