// SPDX-License-Identifier: GPL-2.0-only
/*
 * The sweep: a look at every tracked memcg now and then, whoever moved its counter. It bounds how
 * late a fall is seen that happened outside the target's own context (oom_reaper,
 * kswapd, RCU, another cgroup's task), and it ends a recording.
 *
 * Driven by a BPF timer where the kernel has them (5.15), else by user space. An interrupt a
 * millisecond costs 2 to 3 % of whatever runs on that CPU of a virtual machine, and left to itself
 * the kernel moves a timer from an idle CPU to a busy one (get_nohz_timer_target). So it is pinned
 * (6.7, d6247ecb6c1e), and user space starts it anew now and then where it runs itself: the
 * scheduler wakes it on a CPU that idles.
 */
#include "gone.bpf.h"
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

/* Not static: checked once, not as often as a group has slots. */
__noinline u32 sweep_slot(u32 index, u32 trigger, u64 now)
{
	struct memcg_slot *slot = bpf_map_lookup_elem(&memcgs, &index);
	struct memspike_tally *tally = tally_of(trigger);
	u64 usage, watermark, serial;

	if (!slot || !tally)
		return 0;
	serial = slot->serial_nr;
	if (!serial || css_serial(slot->css) != serial)
		return 0;
	if (is_dying(slot->css)) {
		tell_gone_or_wait(index, trigger);
		return 0;
	}
	tally->fired++;
	read_position(slot->css, &usage, &watermark);
	if (usage != slot->usage_pages || watermark != slot->watermark_pages ||
	    read_max(slot->css) != slot->max_pages) {
		if (!is_thinned(slot, index, trigger))
			record_move(tally, index, trigger);
		return 0;
	}
	tally->unchanged++;
	slot->look_ns = now;
	if (is_near_limit(slot))
		keep_awake(index);
	return 0;
}

struct sweep_round {
	u64 now;
	u64 least_shift; /* of all slots */
};

static long sweep_group(void *map, u32 *group, struct cadence_group *cadence,
			struct sweep_round *round)
{
	for (u32 i = 0; i < CADENCE_GROUP; i++) {
		u32 index = *group * CADENCE_GROUP + i, shift;

		if (index >= slots_used)
			return 1;
		shift = quiet_shift(cadence, index);
		if (is_due(index, shift)) {
			sweep_slot(index, MEMSPIKE_TRIGGER_SWEEP, round->now);
			shift = quiet_shift(cadence, index);
		}
		if (shift < round->least_shift)
			round->least_shift = shift;
	}
	return 0;
}

/* What the sweeps took, without the interrupts that begin them. */
__u64 sweep_ns = 0;

static int on_sweep_timer(void *map, u32 *key, struct sweep_timer *value)
{
	struct sweep_round round = {.now = bpf_ktime_get_ns(),
				    .least_shift = sweep_most_step_shift};

	if (sweep_stopped)
		return 0;
	sweep_tick += 1u << sweep_step_shift;
	bpf_for_each_map_elem(&cadences, sweep_group, &round, 0);
	sweep_step_shift = round.least_shift;
	sweep_is_late = 0;
	sweep_ns += bpf_ktime_get_ns() - round.now;
	bpf_timer_start(&value->timer, sweep_period_ns << sweep_step_shift, timer_flags);
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
	sweep_step_shift = 0;
	sweep_is_late = 0;
	if (!bpf_timer_start(&value->timer, sweep_period_ns, timer_flags))
		return 0;
	timer_flags = 0;
	return bpf_timer_start(&value->timer, sweep_period_ns, timer_flags) ? 4 : 0;
}

/*
 * Run by user space: looks at one slot, args[0]. The first and the last look
 * of a recording, and the whole sweep where the kernel has no timers.
 */
SEC("raw_tp")
int sweep_one(struct bpf_raw_tracepoint_args *context)
{
	return sweep_slot(context->args[0], MEMSPIKE_TRIGGER_REQUEST, bpf_ktime_get_ns());
}
