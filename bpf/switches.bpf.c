// SPDX-License-Identifier: GPL-2.0-only
/*
 * A task leaves its CPU, or its cgroup.
 *
 * A page is charged after its allocation event, so where charges are not seen themselves, the move
 * that it made is seen at the task's next page event, 1 to 2 us later in a storm. When it is
 * preempted or sleeps between the two, that would be the sweep's business, up to 1 ms late: look
 * here, before it goes. current is still the task that leaves (__schedule, kernel/sched/core.c).
 * What the CPU remembers of it goes with it.
 */
#include "sampler.bpf.h"

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch)
{
	if (!charges_are_seen)
		look_at_current(MEMSPIKE_TRIGGER_SWITCH);
	forget_current(bpf_get_smp_processor_id());
	return 0;
}

/* Threads of the process may be running on any CPU. */
SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(on_attach_task)
{
	__sync_fetch_and_add(&generation_of_answers, 1);
	for (u32 cpu = 0; cpu < MAX_CPUS; cpu++) {
		if (cpu >= cpu_count)
			break;
		forget_current(cpu);
	}
	return 0;
}
