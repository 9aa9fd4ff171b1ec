/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which memcg and process current is in, remembered for the trigger that fires most.
 *
 * Asking is a helper (whose return is slow where the CPU needs a mitigation) and four loads from
 * cache lines of the kernel; most firings come in runs by one task. So a CPU remembers the answer
 * until a task leaves it (sched_switch) or one is moved to another cgroup (cgroup_attach_task).
 * User space makes all CPUs forget ten times a second: that bounds what neither sees, such as a
 * controller that is enabled below a running task.
 *
 * Where the two are not hooked nothing is remembered, and each firing asks.
 */
#ifndef MEMSPIKE_CURRENT_BPF_H
#define MEMSPIKE_CURRENT_BPF_H

#include "tracking.bpf.h"

static __always_inline u64 current_css(void)
{
	if (has_current_task_btf)
		return set_css((u64)((struct task_struct *)bpf_get_current_task_btf())->cgroups);
	return task_css(bpf_get_current_task());
}

/* Only what will be forgotten. */
static __always_inline bool may_remember(u32 trigger)
{
	return remembers_current && trigger == MEMSPIKE_TRIGGER_PAGE_ALLOC;
}

/*
 * Asks. False where current is not in the target, or its memcg has no slot (that is counted).
 * Who makes the CPUs forget bumps the generation first; here the generation is compared last, with
 * a full barrier before it: one of the two sees the other.
 */
static __noinline bool learn_current(struct memspike_tally *tally, u32 trigger)
{
	u32 generation = *(volatile u32 *)&generation_of_answers, tgid;
	u64 css = current_css(), serial = css_serial(css);
	bool in_target;

	tally->known_css = css;
	in_target = target_slot(tally, css, serial, trigger) != NULL;
	if (in_target && trigger == MEMSPIKE_TRIGGER_PAGE_ALLOC) {
		tgid = bpf_get_current_pid_tgid() >> 32;
		if (tgid != tally->tgid)
			switch_process(tally, serial, tgid);
	}
	if (tally->slot == MEMSPIKE_SLOT_TABLE_FULL || !may_remember(trigger))
		return in_target;
	__sync_fetch_and_add(&tally->known, 1); /* it was 0; an exchange is known from 5.12 on */
	if (generation != *(volatile u32 *)&generation_of_answers)
		tally->known = 0;
	return in_target;
}

/* What most firings on a node are: nothing is touched but the tally's first cache line. */
static __always_inline bool is_known_stranger(const struct memspike_tally *tally)
{
	return tally->known && tally->slot == MEMSPIKE_NO_SLOT;
}

/* The slot of current's memcg, tally->slot, or NULL. Its css is tally->known_css. */
static __always_inline struct memcg_slot *current_slot(struct memspike_tally *tally, u32 trigger)
{
	if (!tally->known && !learn_current(tally, trigger))
		return NULL;
	return bpf_map_lookup_elem(&memcgs, &tally->slot);
}

/* What this CPU knows of the task that runs on it. */
static __always_inline void forget_current(u32 cpu)
{
	u32 index = cpu * MEMSPIKE_TRIGGER_COUNT + MEMSPIKE_TRIGGER_PAGE_ALLOC;
	struct memspike_tally *tally = bpf_map_lookup_elem(&tallies, &index);

	if (tally && tally->known)
		tally->known = 0;
}

#endif /* MEMSPIKE_CURRENT_BPF_H */
