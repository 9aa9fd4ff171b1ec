// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memcg tracepoints (6.13). Where the kernel keeps the v1 statistics, PGPGIN is
 * counted right after a charge and PGPGOUT right after an uncharge (memcg1_commit_charge,
 * memcg1_uncharge_batch), and MEMCG_KMEM with both; each names its memcg, whoever is
 * running. So a move is seen when it happens, a fall caused from outside included.
 */
#include "sampler.bpf.h"

static __always_inline void look_at_memcg(struct mem_cgroup *memcg, u32 trigger)
{
	struct memspike_tally *tally = tally_of(trigger);
	struct memcg_slot *slot;
	u64 serial;

	if (!tally || !enter(tally))
		return;
	serial = memcg->css.serial_nr;
	slot = target_slot(tally, (u64)memcg, serial);
	if (slot)
		look(tally, slot, (u64)memcg, tally->slot, trigger);
	leave(tally);
}

SEC("tp_btf/count_memcg_events")
int BPF_PROG(on_memcg_event, struct mem_cgroup *memcg, int item)
{
	if (item == (int)bpf_core_enum_value(enum vm_event_item, PGPGIN))
		look_at_memcg(memcg, MEMSPIKE_TRIGGER_CHARGE);
	else if (item == (int)bpf_core_enum_value(enum vm_event_item, PGPGOUT))
		look_at_memcg(memcg, MEMSPIKE_TRIGGER_UNCHARGE);
	return 0;
}

SEC("tp_btf/mod_memcg_state")
int BPF_PROG(on_memcg_state, struct mem_cgroup *memcg, int item, int pages)
{
	if (item != (int)bpf_core_enum_value(enum memcg_stat_item, MEMCG_KMEM))
		return 0;
	look_at_memcg(memcg, pages > 0 ? MEMSPIKE_TRIGGER_CHARGE : MEMSPIKE_TRIGGER_UNCHARGE);
	return 0;
}
