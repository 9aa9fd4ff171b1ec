// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sleeps that memory.high imposes. A task that charged above it pays on its way back to user space:
 * mem_cgroup_handle_over_high (mm/memcontrol.c) reclaims, which is a stall of its own, and then
 * puts the task to sleep for up to two seconds. The time between the function's entry and its
 * return, without the reclaim in it, is that sleep.
 *
 * The function is global, and called __mem_cgroup_handle_over_high since 6.18, where it is entered
 * only by those who have to pay.
 */
#include "sampler.bpf.h"

/* Preallocated: a hash that allocates would re-enter the hooks. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, u64); /* pid_tgid */
	__type(value, struct memspike_wait);
} throttled SEC(".maps");

/* The kernel does not bother with sleeps of 10 ms or less: what is shorter than this is its own
 * work. */
#define MIN_SLEEP_NS 2000000

/* How much of the time that a task spends here it reclaims. */
static __always_inline void note_reclaim(u64 task, u64 duration_ns)
{
	struct memspike_wait *wait = bpf_map_lookup_elem(&throttled, &task);

	if (wait)
		wait->reclaim_ns += duration_ns;
}

static __noinline int begin_throttle(void)
{
	u64 task = bpf_get_current_pid_tgid();
	struct task_struct *current = (void *)bpf_get_current_task();
	struct memspike_wait wait = {};
	struct memspike_tally *tally;

	if (!BPF_CORE_READ(current, memcg_nr_pages_over_high))
		return 0;
	tally = tally_of(MEMSPIKE_TRIGGER_RECLAIM);
	if (!tally || !look_at_current(MEMSPIKE_TRIGGER_RECLAIM))
		return 0;
	wait.begin_ns = bpf_ktime_get_ns();
	wait.slot = tally->slot;
	if (bpf_map_update_elem(&throttled, &task, &wait, BPF_ANY))
		tally->stalls_lost++;
	return 0;
}

static __noinline int end_throttle(void)
{
	u64 task = bpf_get_current_pid_tgid(), now, elapsed;
	struct memspike_wait *wait = bpf_map_lookup_elem(&throttled, &task);
	struct memspike_stall stall = {.kind = MEMSPIKE_STALL_THROTTLED};
	struct memspike_tally *tally;

	if (!wait)
		return 0;
	now = bpf_ktime_get_ns();
	elapsed = now - wait->begin_ns;
	stall.duration_ns = elapsed > wait->reclaim_ns ? elapsed - wait->reclaim_ns : 0;
	bpf_map_delete_elem(&throttled, &task);
	if (stall.duration_ns < MIN_SLEEP_NS)
		return 0;
	tally = tally_of(MEMSPIKE_TRIGGER_RECLAIM);
	if (!tally || !look_at_current(MEMSPIKE_TRIGGER_RECLAIM))
		return 0;
	fill_header(&stall.header, MEMSPIKE_RECORD_STALL, sizeof(stall), now);
	stall.slot = tally->slot;
	stall.tgid = task >> 32;
	stall.tid = task;
	if (bpf_ringbuf_output(&records, &stall, sizeof(stall), record_flags()))
		tally->stalls_lost++;
	return 0;
}

SEC("fentry/mem_cgroup_handle_over_high")
int BPF_PROG(on_over_high)
{
	return begin_throttle();
}

SEC("fexit/mem_cgroup_handle_over_high")
int BPF_PROG(after_over_high)
{
	return end_throttle();
}

SEC("kprobe/mem_cgroup_handle_over_high")
int BPF_KPROBE(kprobe_over_high)
{
	return begin_throttle();
}

SEC("kretprobe/mem_cgroup_handle_over_high")
int BPF_KRETPROBE(kretprobe_over_high)
{
	return end_throttle();
}
