/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The sampler: looks at a tracked memcg's counter, and records it if it moved.
 *
 * In a page-fault storm the counter moves once in about 40 firings (each CPU
 * charges MEMCG_CHARGE_BATCH = 64 pages ahead), so the common path is: which memcg,
 * two loads, two compares. The clock (27 ns) and the ring buffer (24 ns) are
 * touched only on a move.
 *
 * Races. Two CPUs may look at one counter at the same time; both then record it,
 * and user space drops what repeats. The clock is read between two readings of the
 * counters that are alike: so they stood there at that time, whatever interrupt or
 * other CPU came between, and the order by time is the order of truth.
 */
#ifndef MEMSPIKE_SAMPLER_BPF_H
#define MEMSPIKE_SAMPLER_BPF_H

#include "cadence.bpf.h"
#include "current.bpf.h"
#include "hits.bpf.h"
#include "stacks.bpf.h"
#include "thin.bpf.h"
#include "tracking.bpf.h"

#define READ_ATTEMPTS 3
#define UNTOLD_PAGES 128
#define UNTOLD_PAGES_AT_SWITCH 16

/*
 * What follows goes up a path level by level. Each step is a function that is not static, so that
 * the verifier checks it once and not as often as there may be levels.
 */

/* Reads the memcg in `index` into the trigger's draft as level i, and leaves its css in the
 * trigger's tally. Returns the slot above it; MEMSPIKE_NO_SLOT: there is none. */
__noinline u32 read_level_at(u32 index, u32 i, u32 trigger)
{
	struct memspike_sample *draft = bpf_map_lookup_elem(&drafts, &trigger);
	struct memcg_slot *slot = bpf_map_lookup_elem(&memcgs, &index);
	struct memspike_tally *tally = tally_of(trigger);

	if (!draft || !slot || !tally || i >= MEMSPIKE_MAX_LEVELS)
		return MEMSPIKE_NO_SLOT;
	draft->levels[i].slot = index;
	draft->levels[i].previous_look_ns = slot->look_ns;
	read_level(&draft->levels[i], slot->css);
	tally->css = slot->css;
	return slot->parent_slot;
}

/*
 * Reads the memcg in `index` and its tracked ancestors into the trigger's draft. Returns how many
 * there are; one more than are read where a path is deeper than that.
 */
__noinline u32 read_path(u32 index, u32 trigger)
{
	for (u32 i = 0; i < MEMSPIKE_MAX_LEVELS; i++) {
		index = read_level_at(index, i, trigger);
		if (index == MEMSPIKE_NO_SLOT)
			return i + 1;
	}
	return MEMSPIKE_MAX_LEVELS + 1;
}

/* Whether level i of the trigger's draft is no longer what the counter says. */
__noinline u32 has_moved(u32 i, u32 trigger)
{
	struct memspike_sample *draft = bpf_map_lookup_elem(&drafts, &trigger);
	struct memcg_slot *slot;
	u64 usage, watermark;
	u32 index;

	if (!draft || i >= MEMSPIKE_MAX_LEVELS)
		return 0;
	index = draft->levels[i].slot;
	slot = bpf_map_lookup_elem(&memcgs, &index);
	if (!slot)
		return 0;
	read_position(slot->css, &usage, &watermark);
	return usage != draft->levels[i].usage_pages ||
	       watermark != draft->levels[i].watermark_pages;
}

/* Whether the counters are still as in the trigger's draft. */
__noinline u32 is_unmoved(u32 count, u32 trigger)
{
	for (u32 i = 0; i < MEMSPIKE_MAX_LEVELS; i++) {
		if (i >= count)
			break;
		if (has_moved(i, trigger))
			return 0;
	}
	return 1;
}

/*
 * The same at one instant: there the counters stood at `*now`. A second reading takes a few ns
 * where the first left the cache lines, a second clock 100 (it waits for all loads before it).
 * Where they move in each attempt, as many CPUs may make them, they stood there just before.
 */
static __always_inline u32 read_path_now(struct memspike_tally *tally, u32 index, u32 trigger,
					 u64 *now)
{
	u32 count = 0;

	for (int attempt = 0; attempt < READ_ATTEMPTS; attempt++) {
		count = read_path(index, trigger);
		*now = bpf_ktime_get_ns();
		if (is_unmoved(count, trigger))
			break;
	}
	if (count > MEMSPIKE_MAX_LEVELS) {
		tally->levels_cut++;
		count = MEMSPIKE_MAX_LEVELS;
	}
	return count;
}

/* Since the last record. The first look has nothing to compare with. */
static __always_inline u64 rise_of(const struct memspike_level *level)
{
	u32 index = level->slot;
	struct memcg_slot *slot = bpf_map_lookup_elem(&memcgs, &index);

	if (!slot || slot->usage_pages == ~0ull || level->usage_pages <= slot->usage_pages)
		return 0;
	return level->usage_pages - slot->usage_pages;
}

/* What level i of the trigger's draft says is what later looks compare with. Says whether the
 * reader shall see it at once. */
__noinline u32 remember_level(u32 i, u32 trigger, u64 now, u32 may)
{
	struct memspike_sample *draft = bpf_map_lookup_elem(&drafts, &trigger);
	struct memcg_slot *slot;
	bool rising;
	u32 index;

	if (!draft || i >= MEMSPIKE_MAX_LEVELS)
		return 0;
	index = draft->levels[i].slot;
	slot = bpf_map_lookup_elem(&memcgs, &index);
	if (!slot)
		return 0;
	rising = is_rising(slot, index, draft->levels[i].usage_pages, now, may);
	slot->usage_pages = draft->levels[i].usage_pages;
	slot->watermark_pages = draft->levels[i].watermark_pages;
	slot->max_pages = draft->levels[i].max_pages;
	slot->look_ns = now;
	keep_awake(index);
	return rising;
}

/* After the trigger's draft was sent. */
__noinline u32 remember(u32 count, u32 trigger, u64 now)
{
	u32 may = may_wake(now), rising = 0;

	for (u32 i = 0; i < MEMSPIKE_MAX_LEVELS; i++) {
		if (i >= count)
			break;
		rising |= remember_level(i, trigger, now, may);
	}
	return rising;
}

/* Only these fire in the task that the memory is charged for: current is who it was. */
static __always_inline bool by_charging_task(u32 trigger)
{
	return trigger == MEMSPIKE_TRIGGER_PAGE_ALLOC || trigger == MEMSPIKE_TRIGGER_CHARGE;
}

/*
 * Who allocated how much, for whom the counter moved: told by the records that are made while the
 * allocating process is current, the last of them as it leaves its CPU. Without that, a batch that
 * one process charged would be taken for that of another one, whose page event on another CPU
 * happens to see the move first. Not by the sweep's timer, which may interrupt the counting. Where
 * charges are seen, by theirs alone, which say themselves how far the counter rose.
 */
static __always_inline void tell_allocated(struct memspike_sample *sample, u32 trigger, u64 serial)
{
	struct memspike_tally *counts = tally_of(MEMSPIKE_TRIGGER_PAGE_ALLOC);
	bool tells = charges_are_seen ? trigger == MEMSPIKE_TRIGGER_CHARGE
				      : trigger != MEMSPIKE_TRIGGER_SWEEP;
	bool own = tells && counts && counts->tgid == sample->tgid &&
		   counts->orders_serial_nr == serial;
	for (int i = 0; i < MEMSPIKE_PURPOSE_COUNT; i++)
		sample->allocated_pages[i] = own ? counts->allocated_pages[i] : 0;
}

static __always_inline void allocated_is_told(const struct memspike_sample *sample)
{
	struct memspike_tally *counts = tally_of(MEMSPIKE_TRIGGER_PAGE_ALLOC);

	for (int i = 0; counts && i < MEMSPIKE_PURPOSE_COUNT; i++)
		counts->allocated_pages[i] -= sample->allocated_pages[i];
}

/* Returns by how many pages the memcg rose; 0 where it did not, where nothing was recorded, and
 * without stacks, which alone want to know. */
static __noinline u64 record_move(struct memspike_tally *tally, u32 index, u32 trigger)
{
	struct memspike_sample *sample = bpf_map_lookup_elem(&drafts, &trigger);
	u64 now = 0, size, rise = 0, task = bpf_get_current_pid_tgid();
	u32 count;

	if (!sample)
		return 0;
	count = read_path_now(tally, index, trigger, &now);
	if (count < 1)
		return 0;
	size = offsetof(struct memspike_sample, levels) + count * sizeof(struct memspike_level);
	fill_header(&sample->header, MEMSPIKE_RECORD_SAMPLE, size, now);
	sample->outer_headroom_pages = headroom_above(tally->css);
	sample->tgid = task >> 32;
	sample->tid = task;
	sample->trigger = trigger;
	sample->level_count = count;
	tell_allocated(sample, trigger, tally->serial_nr);
	sample->thinned_moves = untold_moves(index);
	if (bpf_ringbuf_output(&records, sample, size, record_flags())) {
		tally->lost_ring_full++; /* nothing remembered: the next firing tries again */
		/* It may end, or come back to where it was, before one of them finds room. */
		measure_gap(tally, sample->levels[0].previous_look_ns, now);
		return 0;
	}
	tally->recorded++;
	allocated_is_told(sample);
	pay_record(index, now, sample->thinned_moves);
	if (with_stacks)
		rise = rise_of(&sample->levels[0]);
	measure_gap(tally, sample->levels[0].previous_look_ns, now);
	if (remember(count, trigger, now))
		wake_reader(now);
	tell_hits(index, true);
	return rise;
}

static __always_inline u32 untold_pages(const struct memspike_tally *counts)
{
	return counts->allocated_pages[MEMSPIKE_PURPOSE_USER] +
	       counts->allocated_pages[MEMSPIKE_PURPOSE_KERNEL];
}

/*
 * Whether so much waits to be told that it must not wait for a move. While a task clears a huge
 * page (some 100 us) the sweep sees the move that its charge made, and the task's next page event
 * finds nothing new: what it allocated would be told too late for its rise, or never. In a storm of
 * small pages a record comes each 64 of them (MEMCG_CHARGE_BATCH) and this asks for none. A task
 * that leaves its CPU may be on its way to its end.
 */
static __always_inline bool must_tell(const struct memspike_tally *tally, u32 trigger)
{
	struct memspike_tally *counts;

	if (charges_are_seen)
		return false;
	if (trigger == MEMSPIKE_TRIGGER_PAGE_ALLOC)
		return untold_pages(tally) >= UNTOLD_PAGES;
	if (trigger != MEMSPIKE_TRIGGER_SWITCH)
		return false;
	counts = tally_of(MEMSPIKE_TRIGGER_PAGE_ALLOC);
	return counts && untold_pages(counts) >= UNTOLD_PAGES_AT_SWITCH &&
	       counts->tgid == bpf_get_current_pid_tgid() >> 32 &&
	       counts->orders_serial_nr == tally->serial_nr;
}

/*
 * One look. The caller has found the slot and holds the tally. Only usage is read, the watermark
 * lies in another cache line: a rise and fall between two looks, back to the very same page, is
 * left to the sweep, which compares both.
 */
static __always_inline void look(struct memspike_tally *tally, struct memcg_slot *slot, u64 css,
				 u32 index, u32 trigger)
{
	u64 rise;

	tally->fired++;
	if (read_usage(css) == slot->usage_pages && !must_tell(tally, trigger)) {
		tally->unchanged++;
		return;
	}
	if (is_thinned(slot, index, trigger))
		return;
	rise = record_move(tally, index, trigger);
	if (with_stacks && rise && !stacks_rest && by_charging_task(trigger) && is_looked_at(index))
		record_stack(tally, trigger, index, rise);
}

/*
 * A firing in the context of a task. Before 6.1 (05b24ff9b2cf) the kernel let an
 * interrupt run a raw tracepoint program inside itself; `busy` catches it there.
 * From then on the kernel skips the inner one and counts it in recursion_misses.
 */
static __always_inline bool enter(struct memspike_tally *tally)
{
	if (tally->busy) {
		tally->fired++;
		tally->lost_nested++;
		return false;
	}
	tally->busy = 1;
	return true;
}

static __always_inline void leave(struct memspike_tally *tally)
{
	tally->busy = 0;
}

/* Looks at current's memcg, if it is the target's; says whether it is. */
static __always_inline bool look_at_current(u32 trigger)
{
	struct memspike_tally *tally = tally_of(trigger);
	struct memcg_slot *slot;

	if (!tally || is_known_stranger(tally) || !enter(tally))
		return false;
	slot = current_slot(tally, trigger);
	if (slot)
		look(tally, slot, tally->known_css, tally->slot, trigger);
	leave(tally);
	return slot != NULL;
}

#endif /* MEMSPIKE_SAMPLER_BPF_H */
