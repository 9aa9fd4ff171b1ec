// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sweep: a look at every tracked memcg, whoever moved its counter. It bounds how
 * late a fall is seen that happened outside the target's own context (oom_reaper,
 * kswapd, RCU, another cgroup's task), and it ends a recording.
 *
 * Driven by a BPF timer where the kernel has them (5.15), else by user space. An interrupt a
 * millisecond costs 2 to 3 % of whatever runs on that CPU of a virtual machine, and left to itself
 * the kernel moves a timer from an idle CPU to a busy one (get_nohz_timer_target). So it is pinned
 * (6.7, d6247ecb6c1e), and user space starts it anew now and then where it runs itself: the
 * scheduler wakes it on a CPU that idles.
 */
#include "sampler.bpf.h"

struct sweep_timer {
	struct bpf_timer timer;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct sweep_timer);
} sweep_timers SEC(".maps");

#define CLOCK_MONOTONIC 1
#define EBUSY 16
#define BPF_F_TIMER_CPU_PIN (1ull << 1)

/* 0 where the kernel cannot pin. */
__u64 timer_flags = BPF_F_TIMER_CPU_PIN;

static __always_inline void sweep_slot(struct memcg_slot *slot, u32 index, u32 trigger, u64 now)
{
	u64 usage, watermark, serial = slot->serial_nr;
	struct memspike_tally *tally = tally_of(trigger);

	if (!tally || !serial || css_serial(slot->css) != serial)
		return;
	tally->fired++;
	read_position(slot->css, &usage, &watermark);
	if (usage == slot->usage_pages && watermark == slot->watermark_pages &&
	    read_max(slot->css) == slot->max_pages) {
		tally->unchanged++;
		slot->look_ns = now;
		return;
	}
	record_move(tally, index, trigger);
}

static long sweep_element(void *map, u32 *index, struct memcg_slot *slot, u64 *now)
{
	if (*index >= slots_used)
		return 1;
	sweep_slot(slot, *index, MEMSPIKE_TRIGGER_SWEEP, *now);
	return 0;
}

static int on_sweep_timer(void *map, u32 *key, struct sweep_timer *value)
{
	u64 now = bpf_ktime_get_ns();

	if (sweep_stopped)
		return 0;
	bpf_for_each_map_elem(&memcgs, sweep_element, &now, 0);
	bpf_timer_start(&value->timer, sweep_period_ns, timer_flags);
	return 0;
}

/* Run by user space: arms the timer, on this CPU. */
SEC("syscall")
int start_sweep(void *context)
{
	struct sweep_timer *value;
	u32 key = 0;
	long error;

	value = bpf_map_lookup_elem(&sweep_timers, &key);
	if (!value)
		return 1;
	error = bpf_timer_init(&value->timer, &sweep_timers, CLOCK_MONOTONIC);
	if (error && error != -EBUSY) /* it runs already */
		return 2;
	if (bpf_timer_set_callback(&value->timer, on_sweep_timer))
		return 3;
	if (!bpf_timer_start(&value->timer, sweep_period_ns, timer_flags))
		return 0;
	timer_flags = 0;
	return bpf_timer_start(&value->timer, sweep_period_ns, timer_flags) ? 4 : 0;
}

/*
 * Run by user space: looks at one slot, args[0]. The first and the last look of a
 * recording, and the whole sweep where the kernel has no timers.
 */
SEC("raw_tp")
int sweep_one(struct bpf_raw_tracepoint_args *context)
{
	u32 index = context->args[0];
	struct memcg_slot *slot = bpf_map_lookup_elem(&memcgs, &index);

	if (slot)
		sweep_slot(slot, index, MEMSPIKE_TRIGGER_REQUEST, bpf_ktime_get_ns());
	return 0;
}
