/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Reading memcgs: plain typed loads where the kernel has them (under 2 ns each),
 * bpf_probe_read_kernel where not (6 ns). Both are safe on freed memory; whether
 * the memcg is still the same one is told by its serial number, never by its address.
 */
#ifndef MEMSPIKE_MEMCG_BPF_H
#define MEMSPIKE_MEMCG_BPF_H

#include "state.bpf.h"

extern void *bpf_rdonly_cast(const void *obj__ign, u32 btf_id__k) __ksym __weak;

#define CAST(type, address)                                                                        \
	((type *)bpf_rdonly_cast((const void *)(address), bpf_core_type_id_kernel(type)))

/* The memory controller's entry in an array of subsystem states. */
#define MEMORY_INDEX bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id)

static __always_inline u64 css_serial(u64 css)
{
	if (has_rdonly_cast)
		return CAST(struct cgroup_subsys_state, css)->serial_nr;
	return BPF_CORE_READ((struct cgroup_subsys_state *)css, serial_nr);
}

static __always_inline u64 css_parent(u64 css)
{
	return (u64)BPF_CORE_READ((struct cgroup_subsys_state *)css, parent);
}

static __always_inline u64 task_set(u64 task)
{
	if (has_rdonly_cast)
		return (u64)CAST(struct task_struct, task)->cgroups;
	return (u64)BPF_CORE_READ((struct task_struct *)task, cgroups);
}

/* The effective memcg of the tasks with this css_set, on cgroup v1 and v2 alike; its css's address.
 */
static __always_inline u64 set_css(u64 set)
{
	struct cgroup_subsys_state **slot;
	u64 css = 0;

	if (has_rdonly_cast) {
		slot = (void *)&CAST(struct css_set, set)->subsys[0] +
		       MEMORY_INDEX * sizeof(void *);
		return (u64)*slot;
	}
	slot = (void *)__builtin_preserve_access_index(&((struct css_set *)set)->subsys[0]) +
	       MEMORY_INDEX * sizeof(void *);
	bpf_probe_read_kernel(&css, sizeof(css), slot);
	return css;
}

static __always_inline u64 task_css(u64 task)
{
	return set_css(task_set(task));
}

static __always_inline u64 cgroup_css(u64 cgroup)
{
	struct cgroup_subsys_state **slot;
	u64 css = 0;

	slot = (void *)__builtin_preserve_access_index(&((struct cgroup *)cgroup)->subsys[0]) +
	       MEMORY_INDEX * sizeof(void *);
	bpf_probe_read_kernel(&css, sizeof(css), slot);
	return css;
}

#define READ_MEMCG(css, field)                                                                     \
	(has_rdonly_cast ? CAST(struct mem_cgroup, css)->field                                     \
			 : BPF_CORE_READ((struct mem_cgroup *)(css), field))

static __always_inline u64 read_usage(u64 css)
{
	return READ_MEMCG(css, memory.usage.counter);
}

/* usage and watermark: the two that tell whether anything happened since the last look. */
static __always_inline void read_position(u64 css, u64 *usage_pages, u64 *watermark_pages)
{
	*usage_pages = read_usage(css);
	*watermark_pages = READ_MEMCG(css, memory.watermark);
}

static __always_inline u64 read_max(u64 css)
{
	return READ_MEMCG(css, memory.max);
}

static __always_inline void read_level(struct memspike_level *level, u64 css)
{
	read_position(css, &level->usage_pages, &level->watermark_pages);
	level->max_pages = read_max(css);
}

/*
 * try_charge_memcg (mm/memcontrol.c) counts a refusal before it reclaims, reclaim_high likewise, on
 * cgroup v1 as on v2; v1 shows the former nowhere. What it shows is how often the counters refused,
 * a try ahead of a whole batch included, and since 6.16 only that of memory, not the one of memory
 * and swap together: there the larger number is the better one.
 */
static __always_inline void read_hits(u64 css, struct memspike_hits *hits)
{
	u64 failed;

	hits->refused_charges = READ_MEMCG(css, memory_events_local[MEMCG_MAX].counter);
	hits->throttled_charges = READ_MEMCG(css, memory_events_local[MEMCG_HIGH].counter);
	if (!memory_is_v1)
		return;
	failed = READ_MEMCG(css, memory.failcnt) + READ_MEMCG(css, memsw.failcnt);
	if (failed > hits->refused_charges)
		hits->refused_charges = failed;
	hits->throttled_charges = MEMSPIKE_NOT_COUNTED;
}

/* "oom_kill" of memory.events.local, of cgroup v1's memory.oom_control. */
static __always_inline u64 read_oom_kills(u64 css)
{
	return READ_MEMCG(css, memory_events_local[MEMCG_OOM_KILL].counter);
}

static __always_inline u64 read_high(u64 css)
{
	u64 high = READ_MEMCG(css, memory.high);

	if (high < MEMSPIKE_UNLIMITED_PAGES)
		high_is_set = 1;
	return high;
}

/* Of the memcg and all above it. */
__noinline u32 note_high(u64 css)
{
	for (int i = 0; i < MEMSPIKE_MAX_LEVELS && css; i++) {
		read_high(css);
		css = css_parent(css);
	}
	return 0;
}

/* Smallest max - usage of the memcgs above this one; they are not tracked, only asked. */
__noinline u64 headroom_above(u64 css)
{
	u64 headroom = MEMSPIKE_NO_HEADROOM;

	for (int i = 0; i < MEMSPIKE_MAX_LEVELS; i++) {
		u64 usage, watermark, max;

		/* css_parent gives a number to pass on; here a typed pointer does, without a
		 * helper. */
		css = has_rdonly_cast ? (u64)CAST(struct cgroup_subsys_state, css)->parent
				      : css_parent(css);
		if (!css)
			break;
		max = read_max(css);
		if (max >= MEMSPIKE_UNLIMITED_PAGES)
			continue;
		read_position(css, &usage, &watermark);
		max = max > usage ? max - usage : 0;
		if (max < headroom)
			headroom = max;
	}
	return headroom;
}

#endif /* MEMSPIKE_MEMCG_BPF_H */
