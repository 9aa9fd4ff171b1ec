// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reclaim on behalf of a memcg's limit: a task of the target pushes its counter down, and
 * stands still meanwhile. try_charge_memcg (mm/memcontrol.c) comes here when a charge is refused
 * by max, mem_cgroup_handle_over_high when usage is above high.
 */
#include "sampler.bpf.h"

/* When a task began to reclaim. Preallocated: a hash that allocates would re-enter the hooks. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, u64); /* pid_tgid */
	__type(value, struct memspike_wait);
} reclaiming SEC(".maps");

static __noinline int begin_stall(struct memspike_tally *tally)
{
	u64 task = bpf_get_current_pid_tgid();
	struct memspike_wait wait = {.begin_ns = bpf_ktime_get_ns(), .slot = tally->slot};

	if (bpf_map_update_elem(&reclaiming, &task, &wait, BPF_ANY))
		tally->stalls_lost++;
	return 0;
}

static __noinline int end_stall(struct memspike_tally *tally, u64 reclaimed_pages)
{
	u64 task = bpf_get_current_pid_tgid(), now;
	struct memspike_wait *wait = bpf_map_lookup_elem(&reclaiming, &task);
	struct memspike_stall stall = {};

	if (!wait)
		return 0; /* it began before we were there, or is counted as lost */
	now = bpf_ktime_get_ns();
	fill_header(&stall.header, MEMSPIKE_RECORD_STALL, sizeof(stall), now);
	stall.duration_ns = now - wait->begin_ns;
	stall.reclaimed_pages = reclaimed_pages;
	stall.slot = tally->slot;
	stall.tgid = task >> 32;
	stall.tid = task;
	bpf_map_delete_elem(&reclaiming, &task);
	note_reclaim(task, stall.duration_ns);
	if (bpf_ringbuf_output(&records, &stall, sizeof(stall), record_flags()))
		tally->stalls_lost++;
	return 0;
}

/* The look was skipped (see enter): the task no longer waits, whatever else is not known. */
static __noinline int forget_stall(struct memspike_tally *tally)
{
	u64 task = bpf_get_current_pid_tgid();

	if (!bpf_map_delete_elem(&reclaiming, &task))
		tally->stalls_lost++;
	return 0;
}

SEC("tp_btf/mm_vmscan_memcg_reclaim_begin")
int BPF_PROG(on_reclaim_begin)
{
	struct memspike_tally *tally = tally_of(MEMSPIKE_TRIGGER_RECLAIM);

	if (tally && look_at_current(MEMSPIKE_TRIGGER_RECLAIM)) {
		begin_stall(tally);
		tell_hits(tally->slot, false);
	}
	return 0;
}

SEC("tp_btf/mm_vmscan_memcg_reclaim_end")
int BPF_PROG(on_reclaim_end, unsigned long reclaimed_pages)
{
	struct memspike_tally *tally = tally_of(MEMSPIKE_TRIGGER_RECLAIM);

	if (tally && look_at_current(MEMSPIKE_TRIGGER_RECLAIM))
		end_stall(tally, reclaimed_pages);
	else if (tally)
		forget_stall(tally);
	return 0;
}
