// SPDX-License-Identifier: GPL-2.0-only
/*
 * A task leaves its CPU. A page is charged after its allocation event, so the move that it made is
 * seen at the task's next page event, 1 to 2 us later in a storm. When it is preempted or sleeps
 * between the two, that would be the sweep's business, up to 1 ms late: look here, before it goes.
 * current is still the task that leaves (__schedule, kernel/sched/core.c).
 */
#include "sampler.bpf.h"

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch)
{
	look_at_current(MEMSPIKE_TRIGGER_SWITCH);
	return 0;
}
