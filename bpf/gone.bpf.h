/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A memcg ends with its cgroup, or alone: where the controller is disabled below a cgroup, the
 * memcgs of its children end and what they hold is counted above. If it is enabled again, the same
 * cgroups get new memcgs.
 */
#ifndef MEMSPIKE_GONE_BPF_H
#define MEMSPIKE_GONE_BPF_H

#include "hits.bpf.h"
#include "thin.bpf.h"
#include "tracking.bpf.h"

static __always_inline bool is_dying(u64 css)
{
	if (has_rdonly_cast)
		return CAST(struct cgroup_subsys_state, css)->flags & CSS_DYING;
	return BPF_CORE_READ((struct cgroup_subsys_state *)css, flags) & CSS_DYING;
}

static __always_inline u32 gone_reason(u64 css)
{
	u32 flags = BPF_CORE_READ((struct cgroup_subsys_state *)css, cgroup, self.flags);

	return flags & CSS_ONLINE ? MEMSPIKE_GONE_DISABLED : MEMSPIKE_GONE_REMOVED;
}

static __always_inline void fill_gone(struct memspike_memcg_gone *gone, u32 index,
				      const struct memcg_slot *slot, u64 css, u64 serial)
{
	fill_header(&gone->header, MEMSPIKE_RECORD_MEMCG_GONE, sizeof(*gone), bpf_ktime_get_ns());
	gone->serial_nr = serial;
	gone->last.slot = index;
	gone->last.reserved = 0;
	gone->last.previous_look_ns = slot->look_ns;
	read_level(&gone->last, css);
	read_hits(css, &gone->hits);
	gone->oom_kills = read_oom_kills(css);
	gone->reason = gone_reason(css);
	gone->thinned_moves = untold_moves(index);
	gone->reserved = 0;
}

/*
 * Sends the last reading and ends the slot, which user space hands out again once it has read the
 * record. Of the CPUs that find out, one does it. True where there was no room for the record.
 */
static __always_inline bool end_slot(u32 index, struct memcg_slot *slot,
				     struct memspike_tally *tally, bool again)
{
	struct memspike_memcg_gone *gone = bpf_ringbuf_reserve(&records, sizeof(*gone), 0);
	u64 css = slot->css, serial = slot->serial_nr, usage, watermark;

	if (!gone && again)
		return true;
	if (!serial || bpf_map_delete_elem(&slot_by_serial, &serial)) {
		if (gone)
			bpf_ringbuf_discard(gone, 0);
		return false;
	}
	read_position(css, &usage, &watermark);
	if (usage != slot->usage_pages || watermark != slot->watermark_pages)
		measure_gap(tally, slot->look_ns, bpf_ktime_get_ns());
	if (gone) {
		fill_gone(gone, index, slot, css, serial);
		bpf_ringbuf_submit(gone, BPF_RB_FORCE_WAKEUP);
	}
	slot->serial_nr = 0;
	return !gone;
}

__noinline u32 tell_gone(u32 index, u32 trigger)
{
	struct memspike_tally *tally = tally_of(trigger);
	struct memcg_slot *slot = bpf_map_lookup_elem(&memcgs, &index);

	if (!tally || !slot || !end_slot(index, slot, tally, false))
		return 0;
	tally->memcgs_lost_ring_full++;
	bpf_map_push_elem(&free_slots, &index, 0);
	return 0;
}

/*
 * For the sweep: where there is no room, the next one tries again. Its timer is armed by a program
 * that may sleep, and below 6.3 such programs may not know a queue.
 */
__noinline u32 tell_gone_or_wait(u32 index, u32 trigger)
{
	struct memspike_tally *tally = tally_of(trigger);
	struct memcg_slot *slot = bpf_map_lookup_elem(&memcgs, &index);

	/* A request may be the last look: then nobody comes after it. */
	if (tally && slot && end_slot(index, slot, tally, true) &&
	    trigger == MEMSPIKE_TRIGGER_REQUEST)
		tally->memcgs_lost_ring_full++;
	return 0;
}

#endif /* MEMSPIKE_GONE_BPF_H */
