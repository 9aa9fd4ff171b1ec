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

#include "stack_copies.bpf.h"

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

static __always_inline void send_stack(struct memspike_tally *tally, struct memspike_stack *stack,
				       u64 size, u64 flags)
{
	fill_header(&stack->header, MEMSPIKE_RECORD_STACK, size, bpf_ktime_get_ns());
	if (size > sizeof(*stack))
		return;
	if (bpf_ringbuf_output(&records, stack, size, flags))
		tally->stacks_lost_ring_full++;
	else
		tally->stacks++;
}

static __always_inline void carry(struct memspike_carried *carried, u32 slot, u64 pages,
				  const u64 *comm)
{
	carried->slot = slot;
	carried->tgid = bpf_get_current_pid_tgid() >> 32;
	carried->pages += pages;
	__builtin_memcpy(carried->comm, comm, sizeof(carried->comm));
}

/* What was carried, and will be told by no stack: another process took over. */
static __noinline void send_carried(struct memspike_tally *tally, struct memspike_carried *carried,
				    struct memspike_stack *stack, u32 trigger)
{
	stack->pages = carried->pages;
	stack->copy_id = 0;
	stack->slot = carried->slot;
	stack->tgid = carried->tgid;
	stack->tid = carried->tgid;
	stack->trigger = trigger;
	stack->kernel_count = 0;
	stack->user_count = 0;
	__builtin_memcpy(stack->comm, carried->comm, sizeof(stack->comm));
	send_stack(tally, stack, offsetof(struct memspike_stack, frames), record_flags());
	carried->pages = 0;
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
	u32 draft = draft_of(trigger), kernel, user = 0;
	struct memspike_carried *carried = bpf_map_lookup_elem(&carried_stacks, &draft);
	u64 task = bpf_get_current_pid_tgid(), comm[2] = {}, flags, size;

	if (!stack || !carried)
		return 0;
	bpf_get_current_comm(comm, sizeof(comm));
	if (carried->pages && (carried->slot != slot || carried->tgid != task >> 32))
		send_carried(tally, carried, stack, trigger);
	if (stack_period_ns && !may_take_stack(carried)) {
		carry(carried, slot, pages, comm);
		return 0;
	}
	/* What is new to this CPU is asked about at once, before it dies. */
	flags = is_known(stack, task >> 32, comm) ? record_flags() : BPF_RB_FORCE_WAKEUP;
	kernel = take_stack(stack->frames, 0);
	if (kernel > MEMSPIKE_MAX_FRAMES)
		kernel = MEMSPIKE_MAX_FRAMES;
	if (follows_frame_pointers)
		user = take_stack(&stack->frames[kernel], BPF_F_USER_STACK);
	if (user > MEMSPIKE_MAX_FRAMES)
		user = MEMSPIKE_MAX_FRAMES;
	size = offsetof(struct memspike_stack, frames) + (kernel + user) * sizeof(__u64);
	stack->copy_id = 0;
	if (copies_stacks)
		stack->copy_id = copy_stack(carried, draft, &stack->frames[kernel], user, flags);
	if (stack->copy_id == NO_ROOM && carried->pages < MOST_CARRIED_PAGES) {
		carry(carried, slot, pages, comm);
		return 0;
	}
	stack->pages = pages + carried->pages;
	carried->pages = 0;
	stack->slot = slot;
	stack->tgid = task >> 32;
	stack->tid = task;
	stack->trigger = trigger;
	stack->kernel_count = kernel;
	stack->user_count = user;
	__builtin_memcpy(stack->comm, comm, sizeof(stack->comm));
	send_stack(tally, stack, size, flags);
	return 0;
}

#endif /* MEMSPIKE_STACKS_BPF_H */
