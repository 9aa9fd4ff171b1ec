/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How often the sweep looks at each memcg. A look costs some 30 to 50 ns, most of it the cache
 * lines of the kernel's counter: at 500 memcgs each millisecond that is 2 % of a CPU and more. So
 * one that moves, or is near its limit, is looked at in each sweep; from each second of quiet on
 * half as often, down to once in 64 ms. Its watermark keeps a new high meanwhile, to the byte.
 *
 * An interrupt costs some 1,400 instructions whatever it finds to do. So where all are quiet the
 * timer fires less often, too: once in 16 ms at least, and each time stands for as many sweeps.
 */
#ifndef MEMSPIKE_CADENCE_BPF_H
#define MEMSPIKE_CADENCE_BPF_H

#include "state.bpf.h"

/* A memcg moved, was just made, or is near its limit. */
static __always_inline void keep_awake(u32 slot)
{
	u32 group = slot / CADENCE_GROUP;
	struct cadence_group *cadence = bpf_map_lookup_elem(&cadences, &group);

	if (!cadence)
		return;
	cadence->moved_tick[slot % CADENCE_GROUP] = sweep_tick;
	/* The timer cannot be set from here: the reader does, when it is woken for the move. */
	if (sweep_step_shift)
		sweep_is_late = 1;
}

/* One look in so many sweeps, as a power of two. */
static __always_inline u32 quiet_shift(const struct cadence_group *cadence, u32 slot)
{
	u32 shift = (sweep_tick - cadence->moved_tick[slot % CADENCE_GROUP]) >> sweep_quiet_shift;

	return shift < sweep_max_shift ? shift : sweep_max_shift;
}

/* Not all quiet ones at the same time. */
static __always_inline bool is_due(u32 slot, u32 shift)
{
	u32 step = sweep_step_shift;

	return shift <= step || !(((sweep_tick >> step) + slot) & ((1u << (shift - step)) - 1));
}

#endif /* MEMSPIKE_CADENCE_BPF_H */
