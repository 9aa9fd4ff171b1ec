// SPDX-License-Identifier: GPL-2.0-only
/*
 * OOM kills. __oom_kill_process (mm/oom_kill.c) counts the kill, sends SIGKILL to the
 * victim and marks it, in this order and under the victim's task_lock. A mark without
 * that signal is of a task that was dying already: the kernel does not count it as a
 * kill, nor do we.
 *
 * mark_victim took (int pid) until 6.9 (72ba14deb40a, backported to stable trees), then
 * (task_struct *, uid_t): one program for each shape, chosen by the BTF of the prototype.
 */
#include "sampler.bpf.h"

struct kill_note {
	u64 victim; /* task_struct */
	u64 sender; /* pid_tgid of current */
};

/* Per CPU: task_lock is held from signal to mark, so no other task comes between. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct kill_note);
} kill_notes SEC(".maps");

/* The call of oom_kill_process that a task is in: by whose limit, and which incident. */
struct oom_note {
	u64 serial_nr;
	u64 cgroup_id;
	u32 incident;
	u32 constraint;
	s32 order;
	u32 reserved;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, u64); /* pid_tgid of the task that ran out of memory */
	__type(value, struct oom_note);
} oom_notes SEC(".maps");

__u32 incidents = 0;

static __always_inline void note_oom(struct oom_control *oc)
{
	u64 sender = bpf_get_current_pid_tgid();
	struct oom_note note = {};
	u64 memcg = (u64)BPF_CORE_READ(oc, memcg);

	if (memcg) {
		note.serial_nr = css_serial(memcg);
		note.cgroup_id = BPF_CORE_READ((struct cgroup_subsys_state *)memcg, cgroup, kn, id);
	}
	note.constraint = BPF_CORE_READ(oc, constraint);
	note.order = BPF_CORE_READ(oc, order);
	/* oom_lock is held: no two calls at the same time. */
	note.incident = ++incidents;
	bpf_map_update_elem(&oom_notes, &sender, &note, BPF_ANY);
}

SEC("fentry/oom_kill_process")
int BPF_PROG(on_oom_kill_process, struct oom_control *oc)
{
	note_oom(oc);
	return 0;
}

SEC("fexit/oom_kill_process")
int BPF_PROG(after_oom_kill_process)
{
	u64 sender = bpf_get_current_pid_tgid();

	bpf_map_delete_elem(&oom_notes, &sender);
	return 0;
}

SEC("kprobe/oom_kill_process")
int BPF_KPROBE(kprobe_oom_kill_process, struct oom_control *oc)
{
	note_oom(oc);
	return 0;
}

SEC("kretprobe/oom_kill_process")
int BPF_KRETPROBE(kretprobe_oom_kill_process)
{
	u64 sender = bpf_get_current_pid_tgid();

	bpf_map_delete_elem(&oom_notes, &sender);
	return 0;
}

SEC("tp_btf/signal_generate")
int BPF_PROG(on_signal, int sig, struct kernel_siginfo *info, struct task_struct *task)
{
	struct kill_note *note;
	u32 key = 0;

	if (sig != SIGKILL)
		return 0;
	note = bpf_map_lookup_elem(&kill_notes, &key);
	if (note) {
		note->victim = (u64)task;
		note->sender = bpf_get_current_pid_tgid();
	}
	return 0;
}

static __always_inline u64 rss_pages(u64 task, u32 kind)
{
	struct mm_struct *mm = BPF_CORE_READ((struct task_struct *)task, mm);
	struct mm_struct___before_6_2 *old = (void *)mm;
	s32 is_array = bpf_core_field_size(mm->rss_stat) >= 4 * sizeof(struct percpu_counter);
	__s64 pages = 0;

	if (bpf_core_field_exists(old->rss_stat.count)) {
		if (kind == MM_ANONPAGES)
			pages = BPF_CORE_READ(old, rss_stat.count[MM_ANONPAGES].counter);
		else if (kind == MM_FILEPAGES)
			pages = BPF_CORE_READ(old, rss_stat.count[MM_FILEPAGES].counter);
		else
			pages = BPF_CORE_READ(old, rss_stat.count[MM_SHMEMPAGES].counter);
	} else if (is_array) {
		if (kind == MM_ANONPAGES)
			pages = BPF_CORE_READ(mm, rss_stat[MM_ANONPAGES].count);
		else if (kind == MM_FILEPAGES)
			pages = BPF_CORE_READ(mm, rss_stat[MM_FILEPAGES].count);
		else
			pages = BPF_CORE_READ(mm, rss_stat[MM_SHMEMPAGES].count);
	}
	return pages > 0 ? pages : 0; /* an approximate per-CPU sum may be negative */
}

static __always_inline bool is_group_kill(u64 css)
{
	for (int i = 0; i < MEMSPIKE_MAX_LEVELS && css; i++) {
		if (BPF_CORE_READ((struct mem_cgroup *)css, oom_group))
			return true;
		css = css_parent(css);
	}
	return false;
}

/* The memcgs above the target's root, up to the hierarchy's. Returns how many. */
static __noinline u32 read_outer(struct memspike_outer_level *outer, u64 root)
{
	u64 css = root;
	u32 count = 0;

	for (int i = 0; i < MEMSPIKE_MAX_LEVELS; i++) {
		u64 watermark;

		css = css_parent(css);
		if (!css)
			break;
		outer[i].cgroup_id =
			BPF_CORE_READ((struct cgroup_subsys_state *)css, cgroup, kn, id);
		read_position(css, &outer[i].usage_pages, &watermark);
		outer[i].max_pages = read_max(css);
		count = i + 1;
	}
	return count;
}

/* The number by which the victim's process calls itself. */
static __always_inline void read_own_number(struct memspike_oom_kill *kill, u64 leader)
{
	struct pid *pid = BPF_CORE_READ((struct task_struct *)leader, thread_pid);
	u32 level = BPF_CORE_READ(pid, level);
	struct upid *numbers = __builtin_preserve_access_index(&pid->numbers[0]);
	int nr = 0;

	bpf_probe_read_kernel(&nr, sizeof(nr),
			      (void *)numbers + level * bpf_core_type_size(struct upid) +
				      bpf_core_field_offset(struct upid, nr));
	kill->namespace_depth = level;
	kill->pid_in_namespace = nr;
}

/* Who started the victim: what came from outside of a container is its main process or was sent in.
 */
static __noinline int read_origin(struct memspike_oom_kill *kill, u64 victim)
{
	u64 leader, parent;

	if (!kill)
		return 0;
	leader = (u64)BPF_CORE_READ((struct task_struct *)victim, group_leader);
	parent = (u64)BPF_CORE_READ((struct task_struct *)leader, real_parent);
	read_own_number(kill, leader);
	kill->parent_tgid = BPF_CORE_READ((struct task_struct *)parent, tgid);
	kill->parent_serial_nr = css_serial(task_css(parent));
	BPF_CORE_READ_INTO(&kill->parent_comm, (struct task_struct *)parent, comm);
	return 0;
}

static __always_inline void read_trigger(struct memspike_oom_kill *kill, u64 sender)
{
	struct task_struct *current = (struct task_struct *)bpf_get_current_task();

	kill->trigger_tgid = sender >> 32;
	kill->trigger_serial_nr = css_serial(task_css((u64)current));
	if (!BPF_CORE_READ(current, mm))
		kill->oom_flags |= MEMSPIKE_OOM_BY_KTHREAD;
	bpf_get_current_comm(kill->trigger_comm, sizeof(kill->trigger_comm));
}

static __noinline int record_kill(struct memspike_tally *tally, u64 victim, u32 slot)
{
	struct memspike_oom_kill *kill;
	u64 now = 0, sender = bpf_get_current_pid_tgid();
	u32 key = 0, trigger = MEMSPIKE_TRIGGER_OOM;
	struct memspike_sample *draft = bpf_map_lookup_elem(&drafts, &trigger);
	struct kill_note *note;
	struct oom_note *oom;

	if (!draft)
		return 0;
	kill = bpf_ringbuf_reserve(&records, sizeof(*kill), 0);
	if (!kill) {
		tally->kills_lost_ring_full++;
		return 0;
	}
	/* Of levels and outer only as many are read as are counted. */
	__builtin_memset(kill, 0, offsetof(struct memspike_oom_kill, levels));
	kill->level_count = read_path_now(tally, slot, trigger, &now);
	bpf_probe_read_kernel(kill->levels, sizeof(kill->levels), draft->levels);
	fill_header(&kill->header, MEMSPIKE_RECORD_OOM_KILL, sizeof(*kill), now);
	kill->outer_headroom_pages = headroom_above(tally->css);
	kill->outer_count = read_outer(kill->outer, tally->css);
	kill->victim_tgid = BPF_CORE_READ((struct task_struct *)victim, tgid);
	kill->victim_tid = BPF_CORE_READ((struct task_struct *)victim, pid);
	read_trigger(kill, sender);
	read_origin(kill, victim);
	kill->anon_rss_pages = rss_pages(victim, MM_ANONPAGES);
	kill->file_rss_pages = rss_pages(victim, MM_FILEPAGES);
	kill->shmem_rss_pages = rss_pages(victim, MM_SHMEMPAGES);
	kill->oom_score_adj = BPF_CORE_READ((struct task_struct *)victim, signal, oom_score_adj);
	if (is_group_kill(task_css(victim)))
		kill->oom_flags |= MEMSPIKE_OOM_GROUP;
	oom = bpf_map_lookup_elem(&oom_notes, &sender);
	if (oom) {
		kill->oom_flags |= MEMSPIKE_OOM_KNOWN;
		kill->oom_serial_nr = oom->serial_nr;
		kill->oom_cgroup_id = oom->cgroup_id;
		kill->incident = oom->incident;
		kill->oom_constraint = oom->constraint;
		kill->oom_order = oom->order;
	}
	note = bpf_map_lookup_elem(&kill_notes, &key);
	kill->killed = note && note->victim == victim && note->sender == sender;
	BPF_CORE_READ_INTO(&kill->victim_comm, (struct task_struct *)victim, comm);
	bpf_ringbuf_submit(kill, BPF_RB_FORCE_WAKEUP);
	return 0;
}

static __always_inline void on_victim(u64 victim)
{
	struct memspike_tally *tally = tally_of(MEMSPIKE_TRIGGER_OOM);
	struct memcg_slot *slot;
	u64 css, serial;

	if (!tally || !enter(tally))
		return;
	css = task_css(victim);
	serial = css_serial(css);
	slot = target_slot(tally, css, serial, MEMSPIKE_TRIGGER_OOM);
	if (slot) {
		look(tally, slot, css, tally->slot, MEMSPIKE_TRIGGER_OOM);
		record_kill(tally, victim, tally->slot);
	}
	leave(tally);
}

SEC("tp_btf/mark_victim")
int BPF_PROG(on_mark_victim_task, struct task_struct *victim)
{
	on_victim((u64)victim);
	return 0;
}

SEC("tp_btf/mark_victim")
int BPF_PROG(on_mark_victim_pid, int pid)
{
	struct kill_note *note;
	u64 victim = bpf_get_current_task();
	u32 key = 0;

	/* The victim is current (dying already), or the one that was just sent SIGKILL. */
	if (pid != (int)bpf_get_current_pid_tgid()) {
		note = bpf_map_lookup_elem(&kill_notes, &key);
		if (!note || note->sender != bpf_get_current_pid_tgid())
			return 0;
		victim = note->victim;
		if (BPF_CORE_READ((struct task_struct *)victim, pid) != pid)
			return 0;
	}
	on_victim(victim);
	return 0;
}
