/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When the reader is woken. It looks by itself every 20 ms, and a wake-up costs microseconds on
 * both sides: records wait until there is a batch of them. But what a spike is made of must be
 * asked (memory.stat) before it has fallen again. So a rise wakes the reader when it is as high as
 * a spike, and again at each half more, as long as the budget lasts.
 */
#ifndef MEMSPIKE_WAKE_BPF_H
#define MEMSPIKE_WAKE_BPF_H

#include "state.bpf.h"

/* A rise starts anew from where usage stands every 2^26 ns (67 ms): what lasts longer the reader
 * finds by itself. */
#define FLOOR_SHIFT 26
/*
 * 16 at once, 25 a second in the long run, of all memcgs together: a wake-up serves them all. So a
 * storm adds half to the looks that the reader takes by itself.
 */
#define WAKE_BURST 16
#define WAKE_PERIOD_NS 40000000ull

static __always_inline u64 record_flags(void)
{
	return bpf_ringbuf_query(&records, BPF_RB_AVAIL_DATA) >= wakeup_bytes ? BPF_RB_FORCE_WAKEUP
									      : BPF_RB_NO_WAKEUP;
}

/* Two CPUs at the same time may both take the last one: the budget is not that exact. */
static __always_inline bool may_wake(u64 now)
{
	return wake_budget_ns < now + WAKE_BURST * WAKE_PERIOD_NS;
}

/* By a record that holds nothing, and that the reader is never given. */
static __always_inline void wake_reader(u64 now)
{
	void *nothing = bpf_ringbuf_reserve(&records, sizeof(u64), 0);
	u64 budget = wake_budget_ns;

	wake_budget_ns = (budget > now ? budget : now) + WAKE_PERIOD_NS;
	if (nothing)
		bpf_ringbuf_discard(nothing, BPF_RB_FORCE_WAKEUP);
}

/* Whether so much counts in this memcg: what is a spike in a small container is none in a large
 * one. */
static __always_inline bool counts_as_rise(u32 index, u32 rise)
{
	u64 *counting;

	if (rise < least_rise_pages)
		return false;
	counting = bpf_map_lookup_elem(&rises, &index);
	return counting && rise >= *counting;
}

/* The counter moved to `usage`; the slot still says where it was. Is that worth a wake-up? */
static __always_inline bool is_rising(struct memcg_slot *slot, u32 index, u64 usage, u64 now,
				      bool may)
{
	u32 epoch = now >> FLOOR_SHIFT, rise;

	if (epoch != slot->floor_epoch || usage < slot->floor_pages + slot->woken_pages / 2) {
		slot->floor_epoch = epoch;
		slot->floor_pages = usage < slot->usage_pages ? usage : slot->usage_pages;
		slot->woken_pages = 0;
	}
	rise = usage - slot->floor_pages;
	if (!may || rise < slot->woken_pages + slot->woken_pages / 2 ||
	    !counts_as_rise(index, rise))
		return false;
	slot->woken_pages = rise;
	return true;
}

#endif /* MEMSPIKE_WAKE_BPF_H */
