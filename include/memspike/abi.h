/* SPDX-License-Identifier: (GPL-2.0-only OR MIT) */
/*
 * The wire contract between the BPF programs and user space.
 *
 * Every record in the ring buffer starts with a memspike_header. All integers
 * are host-endian and fixed-width, all padding is explicit, and the asserts at
 * the end pin every size and offset: a change here is a change of
 * MEMSPIKE_ABI_VERSION.
 *
 * Times are CLOCK_MONOTONIC nanoseconds (bpf_ktime_get_ns). Memory is counted
 * in pages, as struct page_counter counts it (mm/page_counter.c).
 */
#ifndef MEMSPIKE_ABI_H
#define MEMSPIKE_ABI_H

#ifdef __bpf__
/* The fixed-width types come from bpf/kernel.h, which includes nothing. */
#define MEMSPIKE_STATIC_ASSERT(cond, text) _Static_assert(cond, text)
#else
#include <linux/types.h>
#ifdef __cplusplus
#include <cstddef>
#define MEMSPIKE_STATIC_ASSERT(cond, text) static_assert(cond, text)
#else
#include <stddef.h>
#define MEMSPIKE_STATIC_ASSERT(cond, text) _Static_assert(cond, text)
#endif
#endif

enum {
	MEMSPIKE_ABI_VERSION = 9,
	MEMSPIKE_COMM_LEN = 16,	  /* TASK_COMM_LEN */
	MEMSPIKE_NAME_LEN = 256,  /* NAME_MAX + NUL: a cgroup's own name */
	MEMSPIKE_MAX_LEVELS = 32, /* told of one path: tracked memcgs, and of a kill those above */
	MEMSPIKE_MAX_ORDERS = 16, /* allocation orders told apart; larger ones fall in the last */
	MEMSPIKE_MAX_PATTERNS = 8,
	MEMSPIKE_MAX_FRAMES = 64,    /* of a kernel stack, and of a user stack */
	MEMSPIKE_COPY_BYTES = 16384, /* of a user stack's memory */
	MEMSPIKE_REGISTERS = 34,     /* x86 has 21 in struct pt_regs, arm64 34 */
};

/* "No slot": the memcg is not tracked. */
#define MEMSPIKE_NO_SLOT 0xffffffffu
/* It should be, but no slot was left for it. */
#define MEMSPIKE_SLOT_TABLE_FULL 0xfffffffeu

/* No limited ancestor above the target: the headroom there is unbounded. */
#define MEMSPIKE_NO_HEADROOM 0xffffffffffffffffull

/*
 * PAGE_COUNTER_MAX is LONG_MAX / PAGE_SIZE (include/linux/page_counter.h): any
 * limit at or above this many pages means "no limit" for every page size.
 */
#define MEMSPIKE_UNLIMITED_PAGES (0x7fffffffffffffffull >> 16)

enum memspike_record_type {
	MEMSPIKE_RECORD_SAMPLE = 1,
	MEMSPIKE_RECORD_MEMCG_BORN = 2,
	MEMSPIKE_RECORD_MEMCG_GONE = 3,
	MEMSPIKE_RECORD_OOM_KILL = 4,
	MEMSPIKE_RECORD_STACK = 5,
	MEMSPIKE_RECORD_STALL = 6,
	MEMSPIKE_RECORD_LIMIT_HITS = 7,
	MEMSPIKE_RECORD_STACK_COPY = 8, /* alone in a ring buffer of its own */
};

/* What made the sampler look. The index of the per-CPU tallies, too. */
enum memspike_trigger {
	MEMSPIKE_TRIGGER_PAGE_ALLOC = 0,
	MEMSPIKE_TRIGGER_PAGE_FREE = 1, /* no longer hooked: see bpf/page_events.bpf.c */
	MEMSPIKE_TRIGGER_RECLAIM = 2,	/* memcg reclaim begins or ends */
	MEMSPIKE_TRIGGER_OOM = 3,	/* mark_victim */
	MEMSPIKE_TRIGGER_SWEEP = 4,	/* periodic look at every tracked memcg */
	MEMSPIKE_TRIGGER_CHARGE = 5,	/* page_counter_try_charge, page_counter_charge */
	MEMSPIKE_TRIGGER_UNCHARGE = 6,
	MEMSPIKE_TRIGGER_REQUEST = 7, /* user space asked: first and last look */
	MEMSPIKE_TRIGGER_SWITCH = 8,  /* a task leaves its CPU */
	MEMSPIKE_TRIGGER_COUNT = 9,
};

/* What an allocation is for, as far as its gfp flags tell. */
enum memspike_purpose {
	MEMSPIKE_PURPOSE_USER = 0, /* __GFP_MOVABLE: anonymous memory, tmpfs, page cache */
	MEMSPIKE_PURPOSE_KERNEL =
		1, /* __GFP_ACCOUNT: page tables, stacks, slabs charged to the memcg */
	MEMSPIKE_PURPOSE_NONE = 2, /* charged to nobody */
	MEMSPIKE_PURPOSE_COUNT = 3,
};

struct memspike_header {
	__u16 type; /* enum memspike_record_type */
	__u16 size; /* bytes of the whole record, this header included */
	__u32 cpu;
	__u64 time_ns;
};

/* One memcg's page_counter, read once. */
struct memspike_level {
	__u32 slot;
	__u32 reserved;
	__u64 usage_pages;	/* raw: may exceed max for a moment while a charge fails */
	__u64 watermark_pages;	/* the kernel's own maximum since its last reset */
	__u64 max_pages;	/* >= MEMSPIKE_UNLIMITED_PAGES: no limit */
	__u64 previous_look_ns; /* last time this level was looked at and found as in its last
				   record */
};

/*
 * The counter moved. levels[0] is the memcg that was looked at, then its
 * ancestors up to the target's root; only level_count of them are sent.
 */
struct memspike_sample {
	struct memspike_header header;
	__u64 outer_headroom_pages; /* smallest max - usage above the target's root */
	__u32 tgid;		    /* of current, which need not be the memory's owner */
	__u32 tid;
	__u32 trigger; /* enum memspike_trigger */
	__u32 level_count;
	/*
	 * Of page_alloc and charge: the pages that the task's process allocated in levels[0] on
	 * this CPU since the last record that told so. By enum memspike_purpose.
	 */
	__u32 allocated_pages[MEMSPIKE_PURPOSE_COUNT];
	__u32 thinned_moves; /* of levels[0], since its last record: it moved too often for all */
	struct memspike_level levels[MEMSPIKE_MAX_LEVELS];
};

/* Of a count that this kernel does not keep. */
#define MEMSPIKE_NOT_COUNTED 0xffffffffffffffffull

/*
 * How often the memcg's own limits held a charge up, by the kernel's count since it was made: "max"
 * and "high" of memory.events.local; on cgroup v1 memory.failcnt and memory.memsw.failcnt together,
 * and no high.
 */
struct memspike_hits {
	__u64 refused_charges;
	__u64 throttled_charges;
};

/* A memcg entered the table of tracked memcgs (born, or found at its first charge). */
struct memspike_memcg_born {
	struct memspike_header header;
	__u64 serial_nr; /* css->serial_nr: 64 bit, never reused */
	__u64 cgroup_id; /* kernfs id: the inode number of its directory */
	__u32 slot;
	__u32 parent_slot; /* MEMSPIKE_NO_SLOT: a root of the target */
	__u32 pattern;	   /* which pattern of the waiting matched; MEMSPIKE_NO_SLOT: none */
	__u32 oom_kills;   /* of its own tasks since it was made, whosever limit it was */
	struct memspike_hits hits;
	char name[MEMSPIKE_NAME_LEN]; /* its own name; if a pattern matched, its whole path */
};

/* Why nothing more is seen of a memcg. */
enum memspike_gone_reason {
	MEMSPIKE_GONE_REMOVED = 0,  /* with its cgroup (rmdir) */
	MEMSPIKE_GONE_DISABLED = 1, /* its cgroup is there, and is charged to the memcg above */
};

/* A tracked memcg is no more. Its last reading travels along. */
struct memspike_memcg_gone {
	struct memspike_header header;
	__u64 serial_nr;
	struct memspike_level last;
	struct memspike_hits hits;
	__u32 reason;	     /* enum memspike_gone_reason */
	__u32 oom_kills;     /* as at its birth */
	__u32 thinned_moves; /* as in a sample */
	__u32 reserved;
};

/* A limit held up charges of a memcg, or of one below it, since its last record of this kind. */
struct memspike_limit_hits {
	struct memspike_header header;
	__u32 slot; /* of the memcg whose limit it is */
	__u32 reserved;
	struct memspike_hits hits;
};

enum memspike_oom_flags {
	MEMSPIKE_OOM_KNOWN =
		1, /* oom_kill_process was hooked: what is of oom_control is the kernel's word */
	MEMSPIKE_OOM_GROUP =
		2, /* memory.oom.group is set on the way up: all tasks are killed at once */
	MEMSPIKE_OOM_BY_KTHREAD = 4, /* current has no memory of its own: SysRq-f, as a rule */
};

/* enum oom_constraint, include/linux/oom.h: what was to be had from where. */
enum memspike_oom_constraint {
	MEMSPIKE_OOM_NODE = 0, /* CONSTRAINT_NONE */
	MEMSPIKE_OOM_CPUSET = 1,
	MEMSPIKE_OOM_MEMORY_POLICY = 2,
	MEMSPIKE_OOM_MEMCG = 3,
};

/* A memcg above the target's root, which is asked but not tracked. */
struct memspike_outer_level {
	__u64 cgroup_id;
	__u64 usage_pages;
	__u64 max_pages; /* >= MEMSPIKE_UNLIMITED_PAGES: no limit */
};

/* The OOM killer chose and killed a process of a tracked memcg. */
struct memspike_oom_kill {
	struct memspike_header header;
	__u64 outer_headroom_pages;
	__u32 victim_tgid;
	__u32 victim_tid;
	__u32 trigger_tgid; /* current: whose charge failed (memcg OOM) or who ran out (global) */
	__u32 level_count;
	__u64 anon_rss_pages; /* as the kernel log counts them: approximate per-CPU counters */
	__u64 file_rss_pages;
	__u64 shmem_rss_pages;
	__u64 oom_serial_nr; /* of the memcg that ran out (oc->memcg); 0: the node, or not known */
	__u64 oom_cgroup_id;
	__u64 trigger_serial_nr; /* of the memcg that current is in */
	__u64 parent_serial_nr;	 /* of the one that the victim's parent is in */
	__u32 parent_tgid;
	__u32 oom_constraint;	/* enum memspike_oom_constraint */
	__s32 oom_order;	/* of the allocation; -1: SysRq-f */
	__u32 pid_in_namespace; /* the victim's own number, in the innermost of its pid namespaces
				 */
	__u32 namespace_depth;	/* of those: 0 is the node's own */
	__u32 reserved;
	__u32 incident;	 /* victims of one oom_kill_process have one number; 0: not known */
	__u32 oom_flags; /* enum memspike_oom_flags */
	__s32 oom_score_adj;
	__u16 killed; /* 0: marked only (already dying), the kernel does not count it as a kill */
	__u16 outer_count;
	char victim_comm[MEMSPIKE_COMM_LEN];
	char trigger_comm[MEMSPIKE_COMM_LEN];
	char parent_comm[MEMSPIKE_COMM_LEN];
	struct memspike_level levels[MEMSPIKE_MAX_LEVELS];	/* of the victim's memcg, upwards */
	struct memspike_outer_level outer[MEMSPIKE_MAX_LEVELS]; /* those above the target's root */
};

/*
 * With --stacks: where current was when it made a memcg's counter rise. Only the frames
 * that there are are sent.
 */
struct memspike_stack {
	struct memspike_header header;
	__u64 pages;   /* how far the counter rose, those that were carried included */
	__u64 copy_id; /* of the copy of its user stack; 0: there is none */
	__u32 slot;    /* of the memcg that was looked at */
	__u32 tgid;
	__u32 tid;
	__u32 trigger;
	__u32 kernel_count;
	__u32 user_count; /* by frame pointers */
	char comm[MEMSPIKE_COMM_LEN];
	/* Instruction addresses, innermost first: the kernel's, then right behind them the user's.
	 */
	__u64 frames[2 * MEMSPIKE_MAX_FRAMES];
};

/*
 * The user's registers and the innermost part of its stack, for those who know how its code lays
 * out its frames. Only the bytes that there are are sent.
 */
struct memspike_stack_copy {
	struct memspike_header header;
	__u64 id;
	__u32 tgid;
	__u32 tid;
	__u32 frame_count;
	__u32 byte_count;
	__u64 registers[MEMSPIKE_REGISTERS]; /* as ptrace(2) has them: struct (user_)pt_regs */
	__u64 frames[MEMSPIKE_MAX_FRAMES];   /* the same stack by frame pointers, innermost first */
	__u8 bytes[MEMSPIKE_COPY_BYTES];     /* from the stack pointer upwards */
};

/*
 * Pages that rose while no stack could be taken: the next stack of the same process tells them.
 */
struct memspike_carried {
	__u64 pages;
	__u64 paid_ns; /* when the stacks so far are paid for */
	__u64 copies;  /* made on this CPU so far */
	__u32 slot;
	__u32 tgid;
	char comm[MEMSPIKE_COMM_LEN];
};

/* What a task waited for. */
enum memspike_stall_kind {
	MEMSPIKE_STALL_RECLAIM =
		0, /* it reclaimed: a limit refused its charge, or high was passed */
	MEMSPIKE_STALL_THROTTLED = 1, /* it was put to sleep for being above memory.high */
};

/* A task of the target had to wait before it could go on. The header's time is its end. */
struct memspike_stall {
	struct memspike_header header;
	__u64 duration_ns;
	__u64 reclaimed_pages;
	__u32 slot; /* of the task's memcg, which need not be the one whose limit was hit */
	__u32 tgid;
	__u32 tid;
	__u32 kind; /* enum memspike_stall_kind */
};

/* --- values of maps that user space reads --- */

/*
 * What one trigger on one CPU did, and what it remembers of its last firing. Each
 * trigger has its own, because an interrupt can fire one trigger inside another
 * on the same CPU: none of these fields is ever shared by two programs.
 */
struct memspike_tally {
	/* The common path touches this cache line and no other one of ours but the slot's. */
	__u32 known; /* 0: current is to be asked for the next three */
	__u32 busy;
	__u64 known_css; /* of the memcg */
	__u32 slot;	 /* its slot, MEMSPIKE_NO_SLOT or MEMSPIKE_SLOT_TABLE_FULL */
	__u32 tgid;	 /* whose allocations `orders` counts */
	__u32 allocated_pages[MEMSPIKE_PURPOSE_COUNT]; /* by that process, since a record told so */
	__u32 reserved;
	__u64 fired; /* = unchanged + recorded + thinned + the three losses */
	__u64 unchanged;
	__u64 orders[MEMSPIKE_MAX_ORDERS]; /* the usual one, 0, is in the first line */

	__u64 serial_nr; /* of the memcg seen last; 0: none */
	__u64 recorded;
	__u64 lost_ring_full;
	__u64 lost_table_full;
	__u64 lost_nested;
	__u64 kills_lost_ring_full;
	__u64 memcgs_lost_ring_full;
	__u64 stalls_lost; /* no room for the record, or for the note of its beginning */
	__u64 processes_lost_table_full; /* pages that no process entry could take */
	__u64 levels_cut;		 /* records of a path deeper than MEMSPIKE_MAX_LEVELS */
	__u64 max_gap_ns;
	__u64 stacks;
	__u64 stacks_lost_ring_full;
	__u64 orders_serial_nr; /* with tgid: in which memcg `orders` counts */
	char comm[MEMSPIKE_COMM_LEN];
	__u64 css; /* the programs' own: whose slot is sought; of the last level that was read */
	__u64 thinned;
	__u64 reserved_line[7];
};

/* A task that waits now, by its pid_tgid. */
struct memspike_wait {
	__u64 begin_ns;
	__u64 reclaim_ns; /* of a throttled one: what it spent on stalls that ended since */
	__u32 slot;
	__u32 reserved;
};

struct memspike_process_key {
	__u64 serial_nr;
	__u32 tgid; /* 0: all that found no place of their own */
	__u32 reserved;
};

struct memspike_process_tally {
	char comm[MEMSPIKE_COMM_LEN];
	__u64 orders[MEMSPIKE_MAX_ORDERS]; /* allocations by order */
	/* Allocated, by purpose, in no sample yet: another process took over the CPU. */
	__s64 untold_pages[MEMSPIKE_PURPOSE_COUNT];
};

/* --- globals that user space sets or reads --- */

/* The beginning of the name of a cgroup that becomes a root of the target when it is made. */
struct memspike_name_pattern {
	__u32 length;
	char prefix[124];
};

/* What user space asks of walk_memcgs, and what it is told. */
enum memspike_walk {
	MEMSPIKE_WALK_ROOT = 0,	 /* the root of the hierarchy that this task's memcg is in */
	MEMSPIKE_WALK_READ = 1,	 /* the memcg at a css */
	MEMSPIKE_WALK_TRACK = 2, /* give it a slot */
};

struct memspike_walk_node {
	__u64 css; /* kernel addresses: for the next step of the walk, never for output */
	__u64 serial_nr;
	__u64 cgroup_id;
	__u64 first_child;
	__u64 next_sibling;
	__u64 subsys; /* css->ss */
	__u32 slot;
	__u32 reserved;
};

MEMSPIKE_STATIC_ASSERT(sizeof(struct memspike_header) == 16, "header size");
MEMSPIKE_STATIC_ASSERT(sizeof(struct memspike_level) == 40, "level size");
MEMSPIKE_STATIC_ASSERT(__builtin_offsetof(struct memspike_sample, levels) == 56, "sample prefix");
MEMSPIKE_STATIC_ASSERT(sizeof(struct memspike_sample) == 56 + 32 * 40, "sample size");
MEMSPIKE_STATIC_ASSERT(sizeof(struct memspike_memcg_born) == 64 + 256, "born size");
MEMSPIKE_STATIC_ASSERT(sizeof(struct memspike_memcg_gone) == 96, "gone size");
MEMSPIKE_STATIC_ASSERT(__builtin_offsetof(struct memspike_oom_kill, levels) == 184, "oom prefix");
MEMSPIKE_STATIC_ASSERT(sizeof(struct memspike_outer_level) == 24, "outer level size");
MEMSPIKE_STATIC_ASSERT(sizeof(struct memspike_oom_kill) == 184 + 32 * 40 + 32 * 24, "oom size");
MEMSPIKE_STATIC_ASSERT(__builtin_offsetof(struct memspike_stack, frames) == 72, "stack prefix");
MEMSPIKE_STATIC_ASSERT(sizeof(struct memspike_stack) == 72 + 2 * 64 * 8, "stack size");
MEMSPIKE_STATIC_ASSERT(__builtin_offsetof(struct memspike_stack_copy, bytes) == 824, "copy prefix");
MEMSPIKE_STATIC_ASSERT(sizeof(struct memspike_stack_copy) == 824 + 16384, "copy size");
MEMSPIKE_STATIC_ASSERT(sizeof(struct memspike_carried) == 48, "carried size");

MEMSPIKE_STATIC_ASSERT(sizeof(struct memspike_wait) == 24, "wait size");
MEMSPIKE_STATIC_ASSERT(__builtin_offsetof(struct memspike_tally, orders) == 56, "tally prefix");
MEMSPIKE_STATIC_ASSERT(sizeof(struct memspike_tally) == 6 * 64, "tallies begin with a cache line");
MEMSPIKE_STATIC_ASSERT(sizeof(struct memspike_stall) == 48, "stall size");
MEMSPIKE_STATIC_ASSERT(sizeof(struct memspike_limit_hits) == 40, "limit hits size");
MEMSPIKE_STATIC_ASSERT(sizeof(struct memspike_process_key) == 16, "process key size");
MEMSPIKE_STATIC_ASSERT(sizeof(struct memspike_process_tally) == 16 + 16 * 8 + 3 * 8,
		       "process size");
MEMSPIKE_STATIC_ASSERT(sizeof(struct memspike_name_pattern) == 128, "pattern size");
MEMSPIKE_STATIC_ASSERT(sizeof(struct memspike_walk_node) == 56, "walk node size");

#endif /* MEMSPIKE_ABI_H */
