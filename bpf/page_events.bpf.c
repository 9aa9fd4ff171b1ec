// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page allocation: only a hint that current's memcg may have moved, for user pages are charged
 * after the event. The counter itself says what is true. Where charges are seen, the hint is not
 * needed: allocations are counted, and nothing of the kernel's is read.
 *
 * Frees are not hooked. Pages are freed after the uncharge, by whoever drops the last reference;
 * the hook would see a fall as it begins instead of at the next look of the sweep, within a
 * millisecond, and would cost 200 instructions a page, 2.4 % of a page fault.
 */
#include "sampler.bpf.h"

static __always_inline u32 purpose_of(u64 gfp_flags)
{
	if (gfp_flags & GFP_MOVABLE)
		return MEMSPIKE_PURPOSE_USER;
	return gfp_flags & gfp_account ? MEMSPIKE_PURPOSE_KERNEL : MEMSPIKE_PURPOSE_NONE;
}

static __always_inline void count_allocation(struct memspike_tally *tally, u32 order, u64 gfp_flags)
{
	if (order >= MEMSPIKE_MAX_ORDERS)
		order = MEMSPIKE_MAX_ORDERS - 1;
	barrier_var(order); /* the mask repeats the bound in a form that the verifier follows */
	order &= MEMSPIKE_MAX_ORDERS - 1;
	tally->orders[order]++;
	tally->allocated_pages[purpose_of(gfp_flags)] += 1u << order;
}

static __always_inline void count_unlooked(struct memspike_tally *tally, u32 order, u64 gfp_flags)
{
	if (!tally->known && !learn_current(tally, MEMSPIKE_TRIGGER_PAGE_ALLOC))
		return;
	count_allocation(tally, order, gfp_flags);
	tally->fired++;
	tally->unchanged++;
}

static __always_inline void look_at_page(struct memspike_tally *tally, u32 order, u64 gfp_flags)
{
	struct memcg_slot *slot = current_slot(tally, MEMSPIKE_TRIGGER_PAGE_ALLOC);

	if (!slot)
		return;
	count_allocation(tally, order, gfp_flags);
	look(tally, slot, tally->known_css, tally->slot, MEMSPIKE_TRIGGER_PAGE_ALLOC);
}

SEC("tp_btf/mm_page_alloc")
int BPF_PROG(on_page_alloc, struct page *page, unsigned int order, u64 gfp_flags)
{
	struct memspike_tally *tally = tally_of(MEMSPIKE_TRIGGER_PAGE_ALLOC);

	/*
	 * NULL when the allocation failed. The verifier took this argument for never
	 * NULL until 6.13 and would delete a plain test, so test its lower half: a
	 * struct page has a non-zero one.
	 */
	if (!(u32)(u64)page)
		return 0;
	if (!tally || is_known_stranger(tally) || !enter(tally))
		return 0;
	if (charges_are_seen)
		count_unlooked(tally, order, gfp_flags);
	else
		look_at_page(tally, order, gfp_flags);
	leave(tally);
	return 0;
}
