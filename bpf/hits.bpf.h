/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How often the limits of tracked memcgs held charges up. The counts are the kernel's own: here is
 * only seen when they changed. Looked at whenever a record of the counter is made, and when a task
 * begins to reclaim, right behind the refusal; never on the common path.
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

/* Of the memcg in `index` and its tracked ancestors: any of their limits may be the one. */
__noinline u32 tell_hits(u32 index)
{
	for (int i = 0; i < MEMSPIKE_MAX_LEVELS; i++) {
		struct memcg_slot *slot = bpf_map_lookup_elem(&memcgs, &index);

		if (!slot)
			break;
		tell_hits_of(index, slot->css);
		index = slot->parent_slot;
		if (index == MEMSPIKE_NO_SLOT)
			break;
	}
	return 0;
}

#endif /* MEMSPIKE_HITS_BPF_H */
