// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memcgs come and go: a container that starts below a tracked pod is tracked before its
 * first task enters, and leaves with its last reading. Also the walk by which user
 * space finds the memcgs that exist already.
 */
#include "gone.bpf.h"
#include "sampler.bpf.h"

/* Which pattern of --wait the name begins with, or MEMSPIKE_NO_SLOT. */
static __noinline u32 match_name(const char *kernel_name)
{
	char name[128] = {};

	if (bpf_probe_read_kernel_str(name, sizeof(name), kernel_name) < 0)
		return MEMSPIKE_NO_SLOT;
	for (u32 i = 0; i < MEMSPIKE_MAX_PATTERNS; i++) {
		u32 length = patterns[i].length;
		bool same = true;

		if (i >= pattern_count)
			break;
		for (u32 k = 0; k < sizeof(patterns[i].prefix); k++) {
			if (k >= length)
				break;
			if (name[k] != patterns[i].prefix[k]) {
				same = false;
				break;
			}
		}
		if (same)
			return i;
	}
	return MEMSPIKE_NO_SLOT;
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(on_mkdir, struct cgroup *cgroup, const char *path)
{
	struct memspike_tally *tally = tally_of(MEMSPIKE_TRIGGER_REQUEST);
	struct origin origin = {.parent_slot = MEMSPIKE_NO_SLOT, .path = path};
	u64 css = cgroup_css((u64)cgroup);

	if (!css || !tally) /* another hierarchy, or no memory controller here */
		return 0;
	if (find_slot(css, MEMSPIKE_TRIGGER_REQUEST) != MEMSPIKE_NO_SLOT || !pattern_count)
		return 0;
	origin.pattern = match_name(BPF_CORE_READ(cgroup, kn, name));
	if (origin.pattern != MEMSPIKE_NO_SLOT)
		track(tally, css, &origin);
	return 0;
}

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(on_rmdir, struct cgroup *cgroup)
{
	u64 css = cgroup_css((u64)cgroup);
	u32 index;

	if (!css) /* another hierarchy, or no memory controller here */
		return 0;
	index = slot_of(css);
	if (index != MEMSPIKE_NO_SLOT)
		tell_gone(index, MEMSPIKE_TRIGGER_REQUEST);
	return 0;
}

/* The answer of the last run. */
struct memspike_walk_node walked = {};

static __always_inline u64 sibling_to_css(u64 list)
{
	return list - bpf_core_field_offset(struct cgroup_subsys_state, sibling);
}

/* args: operation, css, expected serial number (0: any), parent slot. */
SEC("raw_tp")
int walk_memcgs(struct bpf_raw_tracepoint_args *context)
{
	struct memspike_tally *tally = tally_of(MEMSPIKE_TRIGGER_REQUEST);
	u64 operation = context->args[0], css = context->args[1], expected = context->args[2];
	struct cgroup_subsys_state *state;
	u64 parent, children, first, next;

	if (operation == MEMSPIKE_WALK_ROOT) {
		css = task_css(bpf_get_current_task());
		for (int i = 0; i < 64; i++) {
			parent = css_parent(css);
			if (!parent)
				break;
			css = parent;
		}
	}
	__builtin_memset(&walked, 0, sizeof(walked));
	walked.serial_nr = css_serial(css);
	if (!css || (expected && walked.serial_nr != expected) || !tally)
		return 1;
	walked.css = css;
	state = (void *)css;
	walked.subsys = (u64)BPF_CORE_READ(state, ss);
	walked.cgroup_id = BPF_CORE_READ(state, cgroup, kn, id);
	if (operation == MEMSPIKE_WALK_TRACK) {
		struct origin origin = {.parent_slot = context->args[3],
					.pattern = MEMSPIKE_NO_SLOT};

		walked.slot = track(tally, css, &origin);
		return 0;
	}
	children = css + bpf_core_field_offset(struct cgroup_subsys_state, children);
	first = (u64)BPF_CORE_READ(state, children.next);
	walked.first_child = first && first != children ? sibling_to_css(first) : 0;
	parent = css_parent(css);
	if (parent) {
		next = (u64)BPF_CORE_READ(state, sibling.next);
		children = parent + bpf_core_field_offset(struct cgroup_subsys_state, children);
		walked.next_sibling = next && next != children ? sibling_to_css(next) : 0;
	}
	return 0;
}
