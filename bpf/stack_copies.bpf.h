/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The memory of current's user stack, and its registers (--stacks, but =fp). Most of what
 * distributions ship keeps no frame pointers, and a leaf such as memset has no frame at all: who
 * called it is said by the unwind tables of the program's files, which user space can read. What it
 * needs is copied here, at most so often a second on each CPU; between two copies the pages are
 * carried to the next one.
 */
#ifndef MEMSPIKE_STACK_COPIES_BPF_H
#define MEMSPIKE_STACK_COPIES_BPF_H

#include "tracking.bpf.h"

#define STACK_BURST 512
#define MOST_CARRIED_PAGES 65536
#define COPY_PAGE 4096
/* THREAD_SIZE, where bpf_task_pt_regs is not there to ask: of x86-64, and of arm64 with 4K pages.
 */
#define KERNEL_STACK_BYTES 16384
#define REGISTERS_BYTES (MEMSPIKE_REGISTERS * sizeof(__u64))

#if defined(__TARGET_ARCH_x86)
#define REGISTER_BYTES (21 * sizeof(__u64))
#define REGISTER_SP 19
#define REGISTER_CS 17
#else
#define REGISTER_BYTES (34 * sizeof(__u64))
#define REGISTER_SP 31
#define REGISTER_PSTATE 33
#endif

static __always_inline u32 draft_of(u32 trigger)
{
	return trigger == MEMSPIKE_TRIGGER_CHARGE;
}

/* Five hundred at a time, then each at its period. */
static __always_inline bool may_take_stack(struct memspike_carried *carried)
{
	u64 now = bpf_ktime_get_ns();

	if (carried->paid_ns > now + STACK_BURST * stack_period_ns &&
	    carried->pages < MOST_CARRIED_PAGES)
		return false;
	if (carried->paid_ns < now)
		carried->paid_ns = now;
	carried->paid_ns += stack_period_ns;
	return true;
}

/* False: they are not where they were looked for, or those of another kind of program. */
static __always_inline bool copy_registers(struct memspike_stack_copy *copy,
					   struct task_struct *task)
{
	u64 at = has_task_pt_regs ? (u64)bpf_task_pt_regs(task)
				  : (u64)BPF_CORE_READ(task, stack) + KERNEL_STACK_BYTES -
					    bpf_core_type_size(struct pt_regs);

	if (bpf_probe_read_kernel(copy->registers, REGISTER_BYTES, (const void *)at))
		return false;
#if defined(__TARGET_ARCH_x86)
	if (copy->registers[REGISTER_CS] != 0x33) /* __USER_CS: 64-bit code, arch/x86 */
		return false;
#else
	if (copy->registers[REGISTER_PSTATE] & 0x10) /* PSR_MODE32_BIT: 32-bit code, arch/arm64 */
		return false;
#endif
	return true;
}

/* Page by page: the stack may end anywhere. Returns how much there was. */
static __noinline u32 copy_memory(struct memspike_stack_copy *copy, u64 sp, u64 most)
{
	u64 done = 0;

	for (int i = 0; i <= MEMSPIKE_COPY_BYTES / COPY_PAGE; i++) {
		u64 size = COPY_PAGE - ((sp + done) & (COPY_PAGE - 1));

		if (done >= most || done >= MEMSPIKE_COPY_BYTES)
			break;
		if (size > most - done)
			size = most - done;
		barrier_var(size);
		if (size > COPY_PAGE)
			break;
		barrier_var(done);
		if (done >= MEMSPIKE_COPY_BYTES)
			break;
		if (bpf_probe_read_user(copy->bytes + done, size, (const void *)(sp + done)))
			break;
		done += size;
	}
	return done > MEMSPIKE_COPY_BYTES ? MEMSPIKE_COPY_BYTES : done;
}

/* Of a process's first thread nothing is wanted beyond where it began: its environment is there. */
static __always_inline u64 most_of_stack(struct task_struct *task, u64 sp)
{
	u64 end = BPF_CORE_READ(task, mm, start_stack);

	return end > sp && end - sp < MEMSPIKE_COPY_BYTES ? end - sp : MEMSPIKE_COPY_BYTES;
}

#define NO_ROOM (~0ull)

/* Returns the copy's number; 0: there can be none; NO_ROOM: not now. */
static __always_inline u64 copy_stack(struct memspike_carried *carried, u32 key, const u64 *frames,
				      u32 frame_count, u64 flags)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task_btf();
	struct copy_draft *draft = bpf_map_lookup_elem(&copy_drafts, &key);
	u64 id, size, sp, bytes, task_id = bpf_get_current_pid_tgid();
	struct memspike_stack_copy *copy;

	if (!draft || !BPF_CORE_READ(task, mm))
		return 0;
	copy = &draft->copy;
	if (!copy_registers(copy, task))
		return 0;
	sp = copy->registers[REGISTER_SP];
	bytes = copy_memory(copy, sp, most_of_stack(task, sp));
	barrier_var(bytes); /* of a function of its own the verifier knows no bounds */
	if (bytes > MEMSPIKE_COPY_BYTES)
		return 0;
	copy->byte_count = bytes;
	copy->tgid = task_id >> 32;
	copy->tid = task_id;
	copy->frame_count = frame_count;
	bpf_probe_read_kernel(copy->frames, sizeof(copy->frames), frames);
	id = (((u64)bpf_get_smp_processor_id() * STACK_DRAFTS + key) << 40) | ++carried->copies;
	copy->id = id;
	size = offsetof(struct memspike_stack_copy, bytes) + bytes;
	fill_header(&copy->header, MEMSPIKE_RECORD_STACK_COPY, size, bpf_ktime_get_ns());
	if (flags != BPF_RB_FORCE_WAKEUP &&
	    bpf_ringbuf_query(&stack_copies, BPF_RB_AVAIL_DATA) >= copy_wakeup_bytes)
		flags = BPF_RB_FORCE_WAKEUP;
	return bpf_ringbuf_output(&stack_copies, copy, size, flags) ? NO_ROOM : id;
}

#endif /* MEMSPIKE_STACK_COPIES_BPF_H */
