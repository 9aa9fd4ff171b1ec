/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where current is when it makes a counter rise (--stacks). A rise is a batch of 64 pages,
 * so this samples by bytes: in a page-fault storm one firing in about 40.
 *
 * Not a part of record_move, which the sweep's timer runs, too: 7.x lets a timer that was set up by
 * a sleepable program call no bpf_get_task_stack, and would refuse the whole object.
 *
 * bpf_get_task_stack and not bpf_get_stack, which takes the program's context: that would
 * have to be kept through the whole common path, at a cost also without --stacks.
 */
#ifndef MEMSPIKE_STACKS_BPF_H
#define MEMSPIKE_STACKS_BPF_H

#include "tracking.bpf.h"

#define STACK_BYTES (MEMSPIKE_MAX_FRAMES * sizeof(__u64))

/* Innermost first. Returns how many; none where there is no such stack (a kernel thread's user
 * stack). */
static __always_inline u32 take_stack(u64 *frames, u64 flags)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task_btf();
	long bytes = bpf_get_task_stack(task, frames, STACK_BYTES, flags);

	if (bytes < 0)
		return 0;
	return (u32)bytes / sizeof(__u64);
}

/*
 * Whether the last stack taken on this CPU was this very program's. A process in exec is not: its
 * number stays, all that is mapped changes.
 */
static __always_inline bool is_known(const struct memspike_stack *last, u32 tgid, const u64 *comm)
{
	const u64 *known = (const u64 *)last->comm;

	return last->tgid == tgid && known[0] == comm[0] && known[1] == comm[1];
}

/*
 * After a move up by `pages` was recorded. Inlined: of what a stack costs (some 4 us) the most is
 * the kernel's unwinder, and of its frames those of BPF programs are the dearest. One frame less: a
 * storm with stacks 1.02 to 1.03 of one without them, where it was 1.04.
 */
static __always_inline int record_stack(struct memspike_tally *tally, u32 trigger, u32 slot,
					u64 pages)
{
	struct memspike_stack *stack = bpf_map_lookup_elem(&stack_drafts, &trigger);
	u64 task = bpf_get_current_pid_tgid(), comm[2] = {}, flags, size;
	u32 kernel, user;

	if (!stack)
		return 0;
	bpf_get_current_comm(comm, sizeof(comm));
	/* What is new to this CPU is asked about at once, before it dies. */
	flags = is_known(stack, task >> 32, comm) ? record_flags() : BPF_RB_FORCE_WAKEUP;
	kernel = take_stack(stack->frames, 0);
	if (kernel > MEMSPIKE_MAX_FRAMES)
		kernel = MEMSPIKE_MAX_FRAMES;
	user = take_stack(&stack->frames[kernel], BPF_F_USER_STACK);
	if (user > MEMSPIKE_MAX_FRAMES)
		user = MEMSPIKE_MAX_FRAMES;
	size = offsetof(struct memspike_stack, frames) + (kernel + user) * sizeof(__u64);
	fill_header(&stack->header, MEMSPIKE_RECORD_STACK, size, bpf_ktime_get_ns());
	stack->pages = pages;
	stack->slot = slot;
	stack->tgid = task >> 32;
	stack->tid = task;
	stack->trigger = trigger;
	stack->kernel_count = kernel;
	stack->user_count = user;
	__builtin_memcpy(stack->comm, comm, sizeof(stack->comm));
	if (size > sizeof(*stack))
		return 0;
	if (bpf_ringbuf_output(&records, stack, size, flags))
		tally->stacks_lost_ring_full++;
	else
		tally->stacks++;
	return 0;
}

#endif /* MEMSPIKE_STACKS_BPF_H */
