// SPDX-License-Identifier: GPL-2.0-only
/* Reclaim on behalf of a memcg's limit: a task of the target pushes its counter down. */
#include "sampler.bpf.h"

SEC("tp_btf/mm_vmscan_memcg_reclaim_begin")
int BPF_PROG(on_reclaim_begin)
{
	look_at_current(MEMSPIKE_TRIGGER_RECLAIM);
	return 0;
}

SEC("tp_btf/mm_vmscan_memcg_reclaim_end")
int BPF_PROG(on_reclaim_end)
{
	look_at_current(MEMSPIKE_TRIGGER_RECLAIM);
	return 0;
}
