/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every kernel type and field that memspike touches, on one page.
 *
 * Only the fields that are read are declared; CO-RE finds their offsets in the
 * running kernel's BTF. Nothing is read by a fixed offset.
 */
#ifndef MEMSPIKE_KERNEL_H
#define MEMSPIKE_KERNEL_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;
typedef _Bool bool;
#define true 1
#define false 0
#define NULL ((void *)0)

/* include/uapi/linux/bpf.h: the few constants in use. */
enum {
	BPF_ANY = 0,
	BPF_NOEXIST = 1,
};
enum {
	BPF_RB_NO_WAKEUP = 1,
	BPF_RB_FORCE_WAKEUP = 2,
};
enum { BPF_RB_AVAIL_DATA = 0 };
enum { BPF_F_USER_STACK = 1ULL << 8 };
enum { BPF_F_MMAPABLE = 1U << 10 };
enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_PERCPU_ARRAY = 6,
	BPF_MAP_TYPE_QUEUE = 22,
	BPF_MAP_TYPE_RINGBUF = 27,
};
struct bpf_timer {
	__u64 opaque[2];
} __attribute__((aligned(8)));

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	__s64 counter;
} atomic64_t;
typedef atomic64_t atomic_long_t;

/* include/linux/page_counter.h. `failcnt` moved in 6.16, `local_watermark` came in 6.12. */
struct page_counter {
	atomic_long_t usage;
	unsigned long watermark;
	unsigned long failcnt;
	unsigned long high; /* 5.8; of cgroup v1 the maximum that there is */
	unsigned long max;
	struct page_counter *parent;
};

/* enum memcg_memory_event, include/linux/memcontrol.h: in this order since 4.18. */
enum { MEMCG_HIGH = 1, MEMCG_MAX = 2, MEMCG_OOM_KILL = 4 };

struct list_head {
	struct list_head *next;
};

struct kernfs_node {
	u64 id; /* 64 bit and equal to the directory's inode number since 5.5 (40430452fd5d) */
	const char *name;
};

struct cgroup;
struct cgroup_subsys;
struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys *ss;
	unsigned int flags;
	struct list_head sibling;
	struct list_head children;
	u64 serial_nr;
	struct cgroup_subsys_state *parent;
};

/* include/linux/gfp_types.h: the same bit in all kernels from 4.8 to 6.18 at least. */
#define GFP_MOVABLE 0x08

/*
 * include/linux/cgroup-defs.h, an anonymous enum, so not CO-RE. kill_css sets CSS_DYING, before
 * rmdir or the write that disables the controller returns; rmdir has cleared CSS_ONLINE of the
 * cgroup's own css before (cgroup_destroy_locked).
 */
#define CSS_ONLINE (1 << 1)
#define CSS_DYING (1 << 4)

/* The index of the memory controller depends on the kernel's configuration. */
enum cgroup_subsys_id { memory_cgrp_id = 0 };

struct cgroup {
	struct cgroup_subsys_state self; /* of no controller */
	struct kernfs_node *kn;
	struct cgroup_subsys_state *subsys[1];
};

struct css_set {
	struct cgroup_subsys_state *subsys[1];
};

struct mem_cgroup {
	struct cgroup_subsys_state css; /* first: a memcg's css and the memcg have one address */
	struct page_counter memory;
	struct page_counter memsw; /* cgroup v1: memory and swap together */
	bool oom_group;		   /* 4.19 */
	atomic_long_t memory_events_local[5];
};

/* mm->rss_stat is an array of percpu_counter since 6.2 (f1a7941243c1). */
struct percpu_counter {
	__s64 count;
};
struct mm_struct {
	struct percpu_counter rss_stat[4];
	unsigned long start_stack; /* what a program finds at first: argc, argv, its environment */
};
/* Before: struct mm_rss_stat { atomic_long_t count[NR_MM_COUNTERS]; }. */
struct mm_rss_stat___before_6_2 {
	atomic_long_t count[4];
};
struct mm_struct___before_6_2 {
	struct mm_rss_stat___before_6_2 rss_stat;
};
enum { MM_FILEPAGES = 0, MM_ANONPAGES = 1, MM_SHMEMPAGES = 3 }; /* include/linux/mm_types_task.h */

struct signal_struct {
	short oom_score_adj;
};

struct upid {
	int nr;
};

/* include/linux/pid.h: a number for each pid namespace, the node's own first. */
struct pid {
	unsigned int level;
	struct upid numbers[1];
};

struct task_struct {
	void *stack; /* the kernel's own; the user's registers lie at its end */
	int pid;
	int tgid;
	struct task_struct *real_parent;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	char comm[16];
	struct mm_struct *mm;
	struct signal_struct *signal;
	struct css_set *cgroups;
	unsigned int memcg_nr_pages_over_high; /* what mem_cgroup_handle_over_high has to do */
};

enum oom_constraint { CONSTRAINT_NONE = 0 };
struct oom_control {
	struct mem_cgroup *memcg; /* NULL: the node ran out, not a memcg */
	int order;		  /* -1: SysRq-f */
	enum oom_constraint constraint;
};

#pragma clang attribute pop

struct bpf_raw_tracepoint_args {
	__u64 args[0];
};

struct page;
struct kernel_siginfo;

/* arch/ARCH/include/asm/ptrace.h. bpf_tracing.h expects the kernel's own field names, as here. */
#define __VMLINUX_H__
#if defined(__TARGET_ARCH_x86)
struct pt_regs {
	unsigned long di;
	unsigned long ax;
} __attribute__((preserve_access_index));
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
	__u64 regs[31];
} __attribute__((preserve_access_index));
struct pt_regs { /* of the kernel's size, which CO-RE knows */
	struct user_pt_regs user_regs;
} __attribute__((preserve_access_index));
#endif

#define SIGKILL 9
#define SEND_SIG_PRIV                                                                              \
	((struct kernel_siginfo *)1) /* include/linux/sched/signal.h: from the kernel */

#endif /* MEMSPIKE_KERNEL_H */
