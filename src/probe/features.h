// What this kernel and these privileges allow: facts only. What to do about them
// is the plan's business (plan.h), how to say them is the doctor's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace memspike::probe {

// The prototype of the tracepoint oom:mark_victim, from the kernel's BTF.
enum class MarkVictim { absent, takes_pid, takes_task };

struct Features {
  std::string kernel_release;
  std::optional<Error> own_limit;  // why nothing else here can be relied on: no fault of the kernel's
  bool is_root = false;
  bool has_btf = false;               // /sys/kernel/btf/vmlinux
  bool may_load_bpf = false;          // CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN, and no lockdown
  std::string may_load_bpf_error;     // why not
  bool has_ring_buffer = false;       // 5.8
  bool has_tp_btf = false;            // the typed page tracepoints are in the BTF
  bool has_current_task_btf = false;  // 5.11
  bool has_rdonly_cast = false;       // 6.2
  bool has_timer = false;             // 5.15
  bool has_task_stack = false;        // 5.9, with current_task_btf: for --stacks
  bool has_user_copies = false;       // bpf_probe_read_user, 5.5: copies of user stacks
  bool has_task_pt_regs = false;      // 5.15: where the user's registers lie; else by the layout of before
  bool has_reclaim_tracepoints = false;
  bool has_cgroup_tracepoints = false;
  bool has_switch_tracepoint = false;
  bool has_charge_functions = false;  // page_counter_* are functions of their own, and in the BTF
  // As far as is known: that they fire for a batch of pages is only seen when they run (firing_ratio.h).
  bool has_charge_batches = true;
  bool has_oom_kill_process = false;
  bool has_over_high = false;         // mem_cgroup_handle_over_high is a function, and in the BTF
  bool has_over_high_inline = false;  // 6.18: an inline function before __mem_cgroup_handle_over_high
  bool has_fentry = false;            // a program was attached to a function by trampoline
  std::string fentry_error;
  bool has_kprobe = false;  // a kprobe could be made
  std::string kprobe_error;
  bool has_signal_tracepoint = false;
  bool has_rename_tracepoint = false;
  MarkVictim mark_victim = MarkVictim::absent;
  std::uint64_t gfp_account = 0x400000;  // __GFP_ACCOUNT; this until 6.9, by the BTF from 6.10 on
};

// Looks. Never fails: what cannot be found out is not there. `disabled` names
// features to pretend absent (for tests): "btf", "rdonly_cast", "timer", ….
Features find_features(const std::vector<std::string>& disabled = {});

// The names that `disabled` understands.
std::vector<std::string_view> feature_names();

// The one reason why memspike cannot run here at all, with the one thing to change.
Result<void> check_required(const Features& features);

}  // namespace memspike::probe
