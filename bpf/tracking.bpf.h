/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which memcgs are tracked: the target's roots and everything below them, each in a slot.
 *
 * A memcg enters when it is made (cgroup_mkdir), when user space walks the tree at
 * the start, or at the latest at its first firing, by walking up to a tracked ancestor.
 */
#ifndef MEMSPIKE_TRACKING_BPF_H
#define MEMSPIKE_TRACKING_BPF_H

#include "cadence.bpf.h"
#include "memcg.bpf.h"
#include "wake.bpf.h"

static __always_inline struct memspike_tally *tally_of(u32 trigger)
{
	u32 index = bpf_get_smp_processor_id() * MEMSPIKE_TRIGGER_COUNT + trigger;

	return bpf_map_lookup_elem(&tallies, &index);
}

static __always_inline void fill_header(struct memspike_header *header, u16 type, u16 size, u64 now)
{
	header->type = type;
	header->size = size;
	header->cpu = bpf_get_smp_processor_id();
	header->time_ns = now;
}

static __always_inline bool is_looked_at(u32 slot)
{
	u64 *wanted;

	if (!looks_at_some)
		return true;
	wanted = bpf_map_lookup_elem(&closer, &slot);
	return wanted && *wanted;
}

/* Before anybody finds the slot. */
static __always_inline void inherit_look(u32 slot, u32 parent_slot)
{
	u64 *own = bpf_map_lookup_elem(&closer, &slot);
	u64 *above = bpf_map_lookup_elem(&closer, &parent_slot); /* none above a root */

	if (own)
		*own = above ? *above : 0;
}

/* How long nothing was known of a counter that moved. */
static __always_inline void measure_gap(struct memspike_tally *tally, u64 previous_look_ns, u64 now)
{
	if (now > previous_look_ns && now - previous_look_ns > tally->max_gap_ns)
		tally->max_gap_ns = now - previous_look_ns;
}

/* How a memcg came to be tracked. */
struct origin {
	u32 parent_slot;  /* MEMSPIKE_NO_SLOT: a root of the target */
	u32 pattern;	  /* MEMSPIKE_NO_SLOT, or the pattern that its name matched … */
	const char *path; /* … and then its whole path */
	u64 time_ns;	  /* before any CPU can find the slot: a birth precedes all readings */
};

static __noinline int announce_birth(struct memspike_tally *tally, u64 css, u32 slot,
				     struct origin *origin)
{
	const char *name = origin->path;
	struct memspike_hits *told = bpf_map_lookup_elem(&told_hits, &slot);
	struct memspike_memcg_born *born;
	struct cgroup *cgroup;
	struct kernfs_node *node;
	long length;

	born = bpf_ringbuf_reserve(&records, sizeof(*born), 0);
	if (!born) {
		tally->memcgs_lost_ring_full++;
		return 0;
	}
	fill_header(&born->header, MEMSPIKE_RECORD_MEMCG_BORN, sizeof(*born), origin->time_ns);
	cgroup = BPF_CORE_READ((struct cgroup_subsys_state *)css, cgroup);
	node = BPF_CORE_READ(cgroup, kn);
	born->serial_nr = css_serial(css);
	born->cgroup_id = BPF_CORE_READ(node, id);
	born->slot = slot;
	born->parent_slot = origin->parent_slot;
	born->pattern = origin->pattern;
	if (told)
		born->hits = *told;
	else
		__builtin_memset(&born->hits, 0, sizeof(born->hits));
	born->oom_kills = read_oom_kills(css);
	if (!name)
		name = BPF_CORE_READ(node, name);
	length = bpf_probe_read_kernel_str(born->name, sizeof(born->name), name);
	if (length < 0)
		born->name[0] = 0;
	bpf_ringbuf_submit(born, BPF_RB_FORCE_WAKEUP);
	return 0;
}

/* Gives the memcg a slot, unless it has one. Returns the slot, MEMSPIKE_SLOT_TABLE_FULL or
 * _NO_SLOT. */
static __noinline u32 track(struct memspike_tally *tally, u64 css, struct origin *origin)
{
	u64 serial = css_serial(css);
	struct move_budget *budget;
	struct memspike_hits *told;
	struct memcg_slot *slot;
	u32 index, *known;

	known = bpf_map_lookup_elem(&slot_by_serial, &serial);
	if (known)
		return *known;
	/* Removed: what it still holds is uncharged for a while, and must not bring it back. */
	if (BPF_CORE_READ((struct cgroup_subsys_state *)css, flags) & CSS_DYING)
		return MEMSPIKE_NO_SLOT;
	if (bpf_map_pop_elem(&free_slots, &index))
		return MEMSPIKE_SLOT_TABLE_FULL;
	slot = bpf_map_lookup_elem(&memcgs, &index);
	told = bpf_map_lookup_elem(&told_hits, &index);
	budget = bpf_map_lookup_elem(&budgets, &index);
	if (!slot || !told || !budget)
		return MEMSPIKE_SLOT_TABLE_FULL;
	read_hits(css, told);
	budget->paid_ns = 0;
	budget->thinned = 0;
	slot->css = css;
	slot->parent_slot = origin->parent_slot;
	/* No counter has these values: the first look always records. */
	slot->usage_pages = ~0ull;
	slot->watermark_pages = ~0ull;
	slot->max_pages = ~0ull;
	slot->floor_epoch = 0; /* nor has any time this one */
	origin->time_ns = bpf_ktime_get_ns();
	slot->look_ns = origin->time_ns;
	keep_awake(index);
	inherit_look(index, origin->parent_slot);
	slot->serial_nr = serial;
	if (bpf_map_update_elem(&slot_by_serial, &serial, &index, BPF_NOEXIST)) {
		/* Another CPU was first: give the slot back and take that one's. */
		slot->serial_nr = 0;
		bpf_map_push_elem(&free_slots, &index, 0);
		known = bpf_map_lookup_elem(&slot_by_serial, &serial);
		return known ? *known : MEMSPIKE_SLOT_TABLE_FULL;
	}
	if (index >= slots_used)
		slots_used = index + 1;
	announce_birth(tally, css, index, origin);
	note_high(css);
	return index;
}

/*
 * A memcg below one that is tracked. Not static, here and where else only scalars go in: the
 * verifier then checks it once a program, for any arguments (5.6), and not at each call for what
 * the caller knows. This is most of what a start costs.
 */
__noinline u32 track_below(u64 css, u32 parent_slot, u32 trigger)
{
	struct origin origin = {.parent_slot = parent_slot, .pattern = MEMSPIKE_NO_SLOT};
	struct memspike_tally *tally = tally_of(trigger);

	return tally ? track(tally, css, &origin) : MEMSPIKE_NO_SLOT;
}

/* How far up a tracked ancestor is sought. */
#define MAX_DEPTH 64

/* The highest memcg from css upwards that has no slot, below one that has; 0: none above has one.
 */
__noinline u64 next_to_track(u64 css)
{
	for (int depth = 0; depth < MAX_DEPTH && css; depth++) {
		u64 parent = css_parent(css), serial = css_serial(parent);

		if (!parent)
			return 0;
		if (bpf_map_lookup_elem(&slot_by_serial, &serial))
			return css;
		css = parent;
	}
	return 0;
}

__noinline u32 slot_of(u64 css)
{
	u64 serial = css_serial(css);
	u32 *known = bpf_map_lookup_elem(&slot_by_serial, &serial);

	return known ? *known : MEMSPIKE_NO_SLOT;
}

/*
 * The slot of a memcg that this CPU has not just seen: known, or below a tracked one
 * (then every memcg on the way down to it gets a slot, so that paths have no holes).
 */
__noinline u32 find_slot(u64 css, u32 trigger)
{
	u32 slot = slot_of(css);

	for (int depth = 0; depth < MAX_DEPTH && slot == MEMSPIKE_NO_SLOT; depth++) {
		u64 next = next_to_track(css);

		if (!next)
			break;
		slot = track_below(next, slot_of(css_parent(next)), trigger);
		if (next != css && slot < MEMSPIKE_SLOT_TABLE_FULL)
			slot = MEMSPIKE_NO_SLOT; /* that was one on the way */
		else
			break;
	}
	return slot;
}

static __always_inline int drop_counts(struct memspike_tally *tally)
{
	for (int order = 0; order < MEMSPIKE_MAX_ORDERS; order++) {
		tally->processes_lost_table_full += tally->orders[order] << order;
		tally->orders[order] = 0;
	}
	for (int i = 0; i < MEMSPIKE_PURPOSE_COUNT; i++)
		tally->allocated_pages[i] = 0;
	return 0;
}

/* What no sample has told yet waits in the process's entry for its next turn, on whichever CPU. */
static __always_inline void put_untold(struct memspike_tally *tally,
				       struct memspike_process_tally *process)
{
	for (int i = 0; i < MEMSPIKE_PURPOSE_COUNT; i++) {
		u64 pages = tally->allocated_pages[i];

		tally->allocated_pages[i] = 0;
		if (pages)
			__sync_fetch_and_add(&process->untold_pages[i], pages);
	}
}

/*
 * And is taken back. Two threads on two CPUs may take the same: then the entry falls below zero,
 * and as much less is taken later, so that the sum stays right.
 */
static __always_inline void take_untold(struct memspike_tally *tally)
{
	struct memspike_process_key key = {.serial_nr = tally->orders_serial_nr,
					   .tgid = tally->tgid};
	struct memspike_process_tally *process = bpf_map_lookup_elem(&processes, &key);

	for (int i = 0; process && i < MEMSPIKE_PURPOSE_COUNT; i++) {
		s64 pages = process->untold_pages[i];

		if (pages <= 0)
			continue;
		__sync_fetch_and_add(&process->untold_pages[i], -pages);
		tally->allocated_pages[i] = pages;
	}
}

/* Moves what this CPU counted for one process into that process's entry. */
static __noinline int flush_process(struct memspike_tally *tally)
{
	struct memspike_process_key key = {.serial_nr = tally->orders_serial_nr,
					   .tgid = tally->tgid};
	struct memspike_process_tally *process, fresh = {};

	process = bpf_map_lookup_elem(&processes, &key);
	if (!process) {
		__builtin_memcpy(fresh.comm, tally->comm, sizeof(fresh.comm));
		bpf_map_update_elem(&processes, &key, &fresh, BPF_NOEXIST);
		process = bpf_map_lookup_elem(&processes, &key);
	}
	if (!process) {
		key.tgid = 0;
		process = bpf_map_lookup_elem(&processes, &key);
	}
	if (!process)
		return drop_counts(tally);
	for (int order = 0; order < MEMSPIKE_MAX_ORDERS; order++) {
		u64 count = tally->orders[order];

		tally->orders[order] = 0;
		if (count)
			__sync_fetch_and_add(&process->orders[order], count);
	}
	put_untold(tally, process);
	return 0;
}

/* These are attached for who is looked at closely. To them, others are none of the target's: their
 * counters are seen as they were before. */
static __always_inline bool is_of_pages(u32 trigger)
{
	return trigger == MEMSPIKE_TRIGGER_PAGE_ALLOC || trigger == MEMSPIKE_TRIGGER_SWITCH;
}

/*
 * Remembers the memcg at css and its slot. User space may add a root meanwhile, and makes the
 * CPUs forget (serial_nr = 0) what they saw before: it bumps the generation first, and here
 * serial_nr is set first and the generation compared last, with a full barrier between (the
 * atomic addition), so that one of the two sees the other.
 */
static __noinline int switch_memcg(struct memspike_tally *tally, u64 css, u64 serial, u32 trigger)
{
	u32 generation = *(volatile u32 *)&generation_of_answers;

	if (tally->tgid)
		flush_process(tally);
	tally->tgid = 0;
	*(volatile u64 *)&tally->serial_nr = 0;
	/* By way of memory: to the verifier a typed pointer is no number. */
	*(volatile u64 *)&tally->css = css;
	tally->slot = find_slot(*(volatile u64 *)&tally->css, trigger);
	if (is_of_pages(trigger) && tally->slot < MEMSPIKE_SLOT_TABLE_FULL &&
	    !is_looked_at(tally->slot))
		tally->slot = MEMSPIKE_NO_SLOT;
	__sync_fetch_and_add(&tally->serial_nr, serial);
	if (generation != *(volatile u32 *)&generation_of_answers)
		*(volatile u64 *)&tally->serial_nr = 0; /* the next firing looks again */
	return 0;
}

static __noinline int switch_process(struct memspike_tally *tally, u64 serial, u32 tgid)
{
	if (tally->tgid)
		flush_process(tally);
	bpf_get_current_comm(tally->comm, sizeof(tally->comm));
	tally->orders_serial_nr = serial;
	tally->tgid = tgid;
	take_untold(tally);
	return 0;
}

/*
 * The slot of the memcg at css, or NULL when it is not the target's (or has no
 * slot: then the firing is counted as lost). A few loads when the CPU saw it last.
 */
static __always_inline struct memcg_slot *target_slot(struct memspike_tally *tally, u64 css,
						      u64 serial, u32 trigger)
{
	struct memcg_slot *slot;

	if (serial != tally->serial_nr)
		switch_memcg(tally, css, serial, trigger);
	if (tally->slot == MEMSPIKE_NO_SLOT)
		return NULL;
	if (tally->slot == MEMSPIKE_SLOT_TABLE_FULL) {
		tally->fired++;
		tally->lost_table_full++;
		return NULL;
	}
	slot = bpf_map_lookup_elem(&memcgs, &tally->slot);
	if (!slot || slot->serial_nr != serial) {
		/* Removed (its last reading is sent); what is left in it is uncharged unwatched. */
		tally->slot = MEMSPIKE_NO_SLOT;
		return NULL;
	}
	return slot;
}

#endif /* MEMSPIKE_TRACKING_BPF_H */
