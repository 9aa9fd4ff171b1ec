// SPDX-License-Identifier: GPL-2.0-only
/*
 * The charge tier: looks when a page_counter moves (mm/page_counter.c), whoever moves it
 * and whatever for. On return of the function, so that the move has been made.
 *
 * The same functions serve other counters: memsw, kmem, tcpmem, hugetlb. A counter is a
 * memcg's `memory` if what stands before it is a css of the memory controller.
 */
#include "sampler.bpf.h"

/* &memory_cgrp_subsys: set by user space before attaching, from the root memcg's css. */
__u64 memory_subsys = 0;

static __always_inline u64 css_subsys(u64 css)
{
	if (has_rdonly_cast)
		return (u64)CAST(struct cgroup_subsys_state, css)->ss;
	return (u64)BPF_CORE_READ((struct cgroup_subsys_state *)css, ss);
}

static __always_inline void look_at_counter(u64 counter, u32 trigger)
{
	u64 css = counter - bpf_core_field_offset(struct mem_cgroup, memory);
	struct memspike_tally *tally = tally_of(trigger);
	struct memcg_slot *slot;
	u64 serial;

	if (css_subsys(css) != memory_subsys || !tally || !enter(tally))
		return;
	serial = css_serial(css);
	slot = target_slot(tally, css, serial, trigger);
	if (slot)
		look(tally, slot, css, tally->slot, trigger);
	leave(tally);
}

SEC("fexit/page_counter_try_charge")
int BPF_PROG(on_try_charge, struct page_counter *counter)
{
	look_at_counter((u64)counter, MEMSPIKE_TRIGGER_CHARGE);
	return 0;
}

SEC("fexit/page_counter_charge")
int BPF_PROG(on_charge, struct page_counter *counter)
{
	look_at_counter((u64)counter, MEMSPIKE_TRIGGER_CHARGE);
	return 0;
}

SEC("fexit/page_counter_uncharge")
int BPF_PROG(on_uncharge, struct page_counter *counter)
{
	look_at_counter((u64)counter, MEMSPIKE_TRIGGER_UNCHARGE);
	return 0;
}

/*
 * The same by kprobes. A kretprobe no longer sees the arguments: the counter is noted at
 * the entry, by CPU. If the task was moved or another came between, the note is not its
 * own and current's memcg is looked at, which is nearly always the one.
 */
struct counter_note {
	u64 counter;
	u64 owner; /* pid_tgid */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 3);
	__type(key, u32);
	__type(value, struct counter_note);
} counter_notes SEC(".maps");

enum { NOTE_TRY_CHARGE = 0, NOTE_CHARGE = 1, NOTE_UNCHARGE = 2 };

static __always_inline void note_counter(u32 key, u64 counter)
{
	struct counter_note *note = bpf_map_lookup_elem(&counter_notes, &key);

	if (!note)
		return;
	note->counter = counter;
	note->owner = bpf_get_current_pid_tgid();
}

static __always_inline void look_at_note(u32 key, u32 trigger)
{
	struct counter_note *note = bpf_map_lookup_elem(&counter_notes, &key);

	if (note && note->owner == bpf_get_current_pid_tgid())
		look_at_counter(note->counter, trigger);
	else
		look_at_current(trigger);
}

SEC("kprobe/page_counter_try_charge")
int BPF_KPROBE(kprobe_try_charge, struct page_counter *counter)
{
	note_counter(NOTE_TRY_CHARGE, (u64)counter);
	return 0;
}

SEC("kretprobe/page_counter_try_charge")
int BPF_KRETPROBE(kretprobe_try_charge)
{
	look_at_note(NOTE_TRY_CHARGE, MEMSPIKE_TRIGGER_CHARGE);
	return 0;
}

SEC("kprobe/page_counter_charge")
int BPF_KPROBE(kprobe_charge, struct page_counter *counter)
{
	note_counter(NOTE_CHARGE, (u64)counter);
	return 0;
}

SEC("kretprobe/page_counter_charge")
int BPF_KRETPROBE(kretprobe_charge)
{
	look_at_note(NOTE_CHARGE, MEMSPIKE_TRIGGER_CHARGE);
	return 0;
}

SEC("kprobe/page_counter_uncharge")
int BPF_KPROBE(kprobe_uncharge, struct page_counter *counter)
{
	note_counter(NOTE_UNCHARGE, (u64)counter);
	return 0;
}

SEC("kretprobe/page_counter_uncharge")
int BPF_KRETPROBE(kretprobe_uncharge)
{
	look_at_note(NOTE_UNCHARGE, MEMSPIKE_TRIGGER_UNCHARGE);
	return 0;
}
