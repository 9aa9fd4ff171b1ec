/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How often the limits of tracked memcgs held charges up. The counts are the kernel's own: here is
 * only seen when they changed. Looked at when a task begins to reclaim, right behind the refusal,
 * and, for charges that may not wait for that, when a record says that a counter is near its limit;
 * never on the common path.
 */
#ifndef MEMSPIKE_HITS_BPF_H
#define MEMSPIKE_HITS_BPF_H

#include "tracking.bpf.h"

/* Two CPUs may tell the same: the counts are since the memcg was made, so that repeats say nothing
 * new. Without room nothing is remembered, and the next one tells it. */
static __always_inline void tell_hits_of(u32 index, u64 css)
{
	struct memspike_hits *told = bpf_map_lookup_elem(&told_hits, &index);
	struct memspike_limit_hits record = {};

	if (!told)
		return;
	read_hits(css, &record.hits);
	if (record.hits.refused_charges == told->refused_charges &&
	    record.hits.throttled_charges == told->throttled_charges)
		return;
	fill_header(&record.header, MEMSPIKE_RECORD_LIMIT_HITS, sizeof(record), bpf_ktime_get_ns());
	record.slot = index;
	if (!bpf_ringbuf_output(&records, &record, sizeof(record), record_flags()))
		*told = record.hits;
}

/* A refused charge that does not reclaim leaves usage where it is: the next record is near the
 * limit. Asked first, for it touches no cache line that the record has not. */
static __always_inline bool is_near_limit(const struct memcg_slot *slot)
{
	u64 css = slot->css; /* ours, no field of the kernel's */
	u64 high = read_high(css);
	u64 limit = high < slot->max_pages ? high : slot->max_pages;

	return slot->usage_pages > limit / 8 * 7;
}

/* Of the memcg in `index`. Returns the slot above it; MEMSPIKE_NO_SLOT: there is none. */
__noinline u32 tell_hits_at(u32 index, u32 only_near)
{
	struct memcg_slot *slot = bpf_map_lookup_elem(&memcgs, &index);

	if (!slot)
		return MEMSPIKE_NO_SLOT;
	if (!only_near || is_near_limit(slot))
		tell_hits_of(index, slot->css);
	return slot->parent_slot;
}

/* Of the memcg in `index` and its tracked ancestors: any of their limits may be the one. */
__noinline u32 tell_hits(u32 index, u32 only_near)
{
	for (int i = 0; i < MEMSPIKE_MAX_LEVELS && index != MEMSPIKE_NO_SLOT; i++)
		index = tell_hits_at(index, only_near);
	return 0;
}

#endif /* MEMSPIKE_HITS_BPF_H */
