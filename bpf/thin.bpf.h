/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who moves too often. One container may move its counter 200,000 times a second; the ring buffer
 * and its reader are for all. So where the node is watched each memcg has a budget of records: what
 * is above it is counted, and not told. The sweep tells where the counter stands within a
 * millisecond, and a new high, a changed limit and a kill are told at once, so that no peak is off
 * by a byte.
 *
 * The budget is a time, by when the records so far are paid for, as the reader's wake-ups have one
 * (wake.bpf.h). It is looked at only where a record would be made, and the clock only where it may
 * be spent.
 */
#ifndef MEMSPIKE_THIN_BPF_H
#define MEMSPIKE_THIN_BPF_H

#include "cadence.bpf.h"
#include "memcg.bpf.h"
#include "tracking.bpf.h"

/* So much may be owed: a second of records at once. */
#define MOVES_CREDIT_NS 1000000000ull
/*
 * Where the reader is behind, half of that, and whoever owes a quarter already pays sixteen times
 * as much: the second half of the ring buffer is left to those who are quiet, for 2,500 moves of
 * each.
 */
#define MOVES_PRESSED_CREDIT_NS (MOVES_CREDIT_NS / 2)
#define MOVES_QUIET_NS (MOVES_CREDIT_NS / 4)
#define MOVES_PRESSED_SHIFT 4

static __always_inline bool is_reader_behind(void)
{
	return bpf_ringbuf_query(&records, BPF_RB_AVAIL_DATA) > 2ull * wakeup_bytes;
}

/* After a record of the memcg in `index`, which told of so many moves that had no record. */
static __always_inline void pay_record(u32 index, u64 now, u64 told)
{
	struct move_budget *budget = bpf_map_lookup_elem(&budgets, &index);
	u64 cost = move_period_ns, paid;

	if (!cost || !budget)
		return;
	paid = budget->paid_ns;
	if (paid > now + MOVES_QUIET_NS && is_reader_behind())
		cost <<= MOVES_PRESSED_SHIFT;
	budget->paid_ns = (paid > now ? paid : now) + cost;
	if (told)
		__sync_fetch_and_add(&budget->thinned, -told);
}

/* Two CPUs may tell of the same: then it falls below zero, and as much less is told later. */
static __always_inline u32 untold_moves(u32 index)
{
	struct move_budget *budget = bpf_map_lookup_elem(&budgets, &index);
	s64 thinned = move_period_ns && budget ? budget->thinned : 0;

	if (thinned <= 0)
		return 0;
	return thinned < 0xffffffffll ? thinned : 0xffffffff;
}

static __always_inline bool has_credit(const struct move_budget *budget, u32 trigger)
{
	u64 now = bpf_ktime_get_ns();

	if (is_reader_behind())
		return budget->paid_ns < now + MOVES_PRESSED_CREDIT_NS;
	return trigger == MEMSPIKE_TRIGGER_SWEEP || budget->paid_ns < now + MOVES_CREDIT_NS;
}

/*
 * The slot remembers usage, for the next firing to compare with, and a limit that no counter has:
 * so the sweep finds that something is to be told. Its time of the last look stays, that of the
 * last record.
 */
__noinline u32 thin_out(u32 index, u32 trigger)
{
	struct move_budget *budget = bpf_map_lookup_elem(&budgets, &index);
	struct memcg_slot *slot = bpf_map_lookup_elem(&memcgs, &index);
	struct memspike_tally *tally = tally_of(trigger);
	u64 usage, watermark;

	if (!budget || !slot || !tally || has_credit(budget, trigger))
		return 0;
	read_position(slot->css, &usage, &watermark);
	if (watermark != slot->watermark_pages ||
	    (slot->max_pages != ~0ull && read_max(slot->css) != slot->max_pages))
		return 0;
	if (usage == slot->usage_pages) {
		tally->unchanged++;
		return 1;
	}
	slot->usage_pages = usage;
	slot->max_pages = ~0ull;
	__sync_fetch_and_add(&budget->thinned, 1);
	tally->thinned++;
	keep_awake(index);
	return 1;
}

/* Whether this move is counted, and not told. The time of the last look is no later than now: who
 * had credit then has it now. */
static __always_inline bool is_thinned(const struct memcg_slot *slot, u32 index, u32 trigger)
{
	struct move_budget *budget;

	if (!move_period_ns || trigger == MEMSPIKE_TRIGGER_RECLAIM ||
	    trigger == MEMSPIKE_TRIGGER_OOM || trigger == MEMSPIKE_TRIGGER_REQUEST)
		return false;
	budget = bpf_map_lookup_elem(&budgets, &index);
	if (!budget || budget->paid_ns < slot->look_ns + MOVES_PRESSED_CREDIT_NS)
		return false;
	return thin_out(index, trigger);
}

#endif /* MEMSPIKE_THIN_BPF_H */
