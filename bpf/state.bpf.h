/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs share: settings (read-only after load) and maps.
 */
#ifndef MEMSPIKE_STATE_BPF_H
#define MEMSPIKE_STATE_BPF_H

#include "kernel.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include "memspike/abi.h"

/* --- settings: set before load, constants to the verifier, so unused branches vanish --- */

/* bpf_rdonly_cast (6.2): kernel memory is read by plain loads instead of a 6 ns helper. */
const volatile bool has_rdonly_cast = false;
/* bpf_get_current_task_btf (5.11): the same for current. */
const volatile bool has_current_task_btf = false;
/* __GFP_ACCOUNT: its bit depends on the kernel and its configuration (from 6.10 on it is an enum).
 */
const volatile __u64 gfp_account = 0;
/* Wake the reader when this many bytes wait; it looks by itself every 20 ms anyway. */
const volatile __u32 wakeup_bytes = 0;
const volatile __u64 sweep_period_ns = 1000000;
/* How seldom a quiet memcg is looked at: see is_due (cadence.bpf.h). */
const volatile __u32 sweep_quiet_shift = 10;
const volatile __u32 sweep_max_shift = 6;
/* How far the timer itself slows down where all are quiet. */
const volatile __u32 sweep_most_step_shift = 4;
/* What a record of a memcg costs of its budget (thin.bpf.h). 0: every move is told. */
const volatile __u64 move_period_ns = 0;
#define MAX_CPUS 8192
const volatile __u32 cpu_count = 1;
/* --stacks: also record where current is when a counter rises. */
const volatile bool with_stacks = false;
/* … and the innermost part of the user's stack, for code that keeps no frame pointers; and whether
 * the frame pointers are followed, too. */
const volatile bool copies_stacks = false;
const volatile bool follows_frame_pointers = true;
/* Stacks on one CPU are so far apart in the long run; 0: each that there is is taken. */
const volatile __u64 stack_period_ns = 0;
/* User space is woken when so much waits to be unwound. */
const volatile __u32 copy_wakeup_bytes = 512 * 1024;
/* bpf_task_pt_regs (5.15): where the user's registers are. */
const volatile bool has_task_pt_regs = false;
/* Where the kernel shows how often a limit was hit: see read_hits. */
const volatile bool memory_is_v1 = false;
/* Of --wait: beginnings of the names of cgroups that become roots when they are made. */
const volatile __u32 pattern_count = 0;
const volatile struct memspike_name_pattern patterns[MEMSPIKE_MAX_PATTERNS] = {};

/*
 * Bumped by whoever makes the CPUs forget what they remember (tally.known, tally.serial_nr), before
 * it does so: what is being asked meanwhile may be old. By user space when it adds a root, for what
 * was untracked may be tracked, and when a task is moved to another cgroup.
 */
__u32 generation_of_answers = 1;
/* Set by user space while what forgets is attached: see current.bpf.h. */
__u32 remembers_current = 0;
/* Set by user space while charges are hooked: one is seen where it is made, in the task that makes
 * it. */
__u32 charges_are_seen = 0;
/* Set by user space while it wants no stacks, though there may be some: a service that does not
 * look closer. */
__u32 stacks_rest = 0;
/* Set by user space while pages and stacks are wanted of some memcgs only: see closer. */
__u32 looks_at_some = 0;
/* One more than the highest slot ever used: where a sweep may stop. */
__u32 slots_used = 0;
/* Set once a tracked memcg, or one above, has memory.high set. User space then watches who is
 * throttled. */
__u32 high_is_set = 0;
/* Sweeps so far. */
__u32 sweep_tick = 0;
/* The timer fires once in so many sweeps, as a power of two: see cadence.bpf.h. */
__u32 sweep_step_shift = 0;
/* A memcg moved, or was made, while the timer was slow. User space then starts it anew. */
__u32 sweep_is_late = 0;
/* What counts as a spike in no memcg. User space sets it. */
__u32 least_rise_pages = 256;
/* When the wake-ups so far are paid for: see may_wake. */
__u64 wake_budget_ns = 0;
/* Set by user space at the end: the timer does not go on. */
__u32 sweep_stopped = 0;

/* --- maps --- */

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4 * 1024 * 1024);
} records SEC(".maps");

/* One tracked memcg, and what its last record said. One cache line. */
struct memcg_slot {
	u64 serial_nr; /* 0: free */
	u64 css;       /* its address; valid only while serial_nr is still found there */
	u64 usage_pages;
	u64 watermark_pages;
	u64 max_pages;
	u64 look_ns; /* last time that a clock was read and the counter was as above */
	u32 parent_slot;
	/* The rise that it is in, if any: see is_rising (wake.bpf.h). */
	u32 floor_epoch;
	u32 floor_pages;
	u32 woken_pages; /* how high it was when the reader was woken last; 0: not yet */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, u32);
	__type(value, struct memcg_slot);
} memcgs SEC(".maps");

/* Sixteen slots in one cache line: at which sweep each was last found moving, or near its limit. */
#define CADENCE_GROUP 16
struct cadence_group {
	u32 moved_tick[CADENCE_GROUP];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE); /* where the kernel has no timers, user space sweeps */
	__uint(max_entries, 16);
	__type(key, u32);
	__type(value, struct cadence_group);
} cadences SEC(".maps");

/* By slot: how far a memcg rises before the reader is woken: what counts as a spike there. 0: not
 * known yet, least_rise_pages then. User space sets it. Mapped, and so 8 bytes each. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 256);
	__type(key, u32);
	__type(value, u64);
} rises SEC(".maps");

/* By slot: whether it is one of those of which pages and stacks are wanted, where that is not all.
 * User space says so, who makes the CPUs forget after that; what is made below one is one, too. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 256);
	__type(key, u32);
	__type(value, u64);
} closer SEC(".maps");

/* By slot: what was last told of its limits' hits. Not in the slot, whose cache line is full. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, u32);
	__type(value, struct memspike_hits);
} told_hits SEC(".maps");

/* By slot: see thin.bpf.h. */
struct move_budget {
	u64 paid_ns; /* by when the records so far are paid for */
	s64 thinned; /* moves without a record, of which no record has told yet */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 256);
	__type(key, u32);
	__type(value, struct move_budget);
} budgets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, u64);
	__type(value, u32);
} slot_by_serial SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 256);
	__type(value, u32);
} free_slots SEC(".maps");

/*
 * One for each trigger on each CPU, at cpu * MEMSPIKE_TRIGGER_COUNT + trigger. Not a per-CPU map:
 * that aligns to 8 bytes only, and finding the CPU's part touches two cache lines more. Mapped:
 * its values begin on a page, and user space reads them where they are.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MEMSPIKE_TRIGGER_COUNT);
	__type(key, u32);
	__type(value, struct memspike_tally);
} tallies SEC(".maps");

/* Where each trigger on each CPU writes a record before it is sent: too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MEMSPIKE_TRIGGER_COUNT);
	__type(key, u32);
	__type(value, struct memspike_sample);
} drafts SEC(".maps");

/* The same for stacks; one entry when there are none. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, MEMSPIKE_TRIGGER_COUNT);
	__type(key, u32);
	__type(value, struct memspike_stack);
} stack_drafts SEC(".maps");

/* Of --stacks but =fp: copies of user stacks, which another process reads. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 * 1024 * 1024);
} stack_copies SEC(".maps");

/* One of the two triggers in the task that charges: those of page_alloc, of charges. */
#define STACK_DRAFTS 2
/* A page more than can be told: the verifier adds up the most of each step. */
struct copy_draft {
	struct memspike_stack_copy copy;
	u8 slack[4096];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, STACK_DRAFTS);
	__type(key, u32);
	__type(value, struct copy_draft);
} copy_drafts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, STACK_DRAFTS);
	__type(key, u32);
	__type(value, struct memspike_carried);
} carried_stacks SEC(".maps");

/* Preallocated: a hash that allocates would re-enter the allocation hook. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__type(key, struct memspike_process_key);
	__type(value, struct memspike_process_tally);
} processes SEC(".maps");

#endif /* MEMSPIKE_STATE_BPF_H */
