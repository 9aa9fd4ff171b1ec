// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of processes. An allocation is counted under the name that its process had when
 * this CPU first saw it; exec and prctl(PR_SET_NAME) change that (both call
 * __set_task_comm), and this keeps the entry's name the latest.
 */
#include "sampler.bpf.h"

SEC("tp_btf/task_rename")
int BPF_PROG(on_rename, struct task_struct *task, const char *comm)
{
	struct memspike_tally *tally = tally_of(MEMSPIKE_TRIGGER_PAGE_ALLOC);
	struct memspike_process_tally *process, fresh = {};
	struct memspike_process_key key = {};

	key.tgid = BPF_CORE_READ(task, tgid);
	if (BPF_CORE_READ(task, pid) != (int)key.tgid) /* a thread's own name */
		return 0;
	key.serial_nr = css_serial(task_css((u64)task));
	if (!bpf_map_lookup_elem(&slot_by_serial, &key.serial_nr))
		return 0;
	bpf_probe_read_kernel_str(fresh.comm, sizeof(fresh.comm), comm);
	process = bpf_map_lookup_elem(&processes, &key);
	if (process)
		__builtin_memcpy(process->comm, fresh.comm, sizeof(fresh.comm));
	else
		bpf_map_update_elem(&processes, &key, &fresh, BPF_NOEXIST);
	if (tally && tally->orders_serial_nr == key.serial_nr && tally->tgid == key.tgid)
		__builtin_memcpy(tally->comm, fresh.comm, sizeof(fresh.comm));
	return 0;
}
