#include "probe/features.h"

#include <fmt/core.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/utsname.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>

#include "base/own_limits.h"
#include "probe/handles.h"
#include "probe/log.h"
#include "probe/trials.h"
#include "rights/capabilities.h"

namespace memspike::probe {
namespace {

constexpr const char* kByFilter = "a seccomp profile forbids bpf(2)";

struct Switch {
  std::string_view name;
  bool Features::*flag;
};

constexpr std::array kSwitches{
    Switch{"btf", &Features::has_btf},
    Switch{"bpf", &Features::may_load_bpf},
    Switch{"ring_buffer", &Features::has_ring_buffer},
    Switch{"tp_btf", &Features::has_tp_btf},
    Switch{"current_task_btf", &Features::has_current_task_btf},
    Switch{"rdonly_cast", &Features::has_rdonly_cast},
    Switch{"timer", &Features::has_timer},
    Switch{"task_stack", &Features::has_task_stack},
    Switch{"stack_copies", &Features::has_user_copies},
    Switch{"task_pt_regs", &Features::has_task_pt_regs},
    Switch{"reclaim_tracepoints", &Features::has_reclaim_tracepoints},
    Switch{"cgroup_tracepoints", &Features::has_cgroup_tracepoints},
    Switch{"switch_tracepoint", &Features::has_switch_tracepoint},
    Switch{"signal_tracepoint", &Features::has_signal_tracepoint},
    Switch{"fentry", &Features::has_fentry},
    Switch{"charge_batches", &Features::has_charge_batches},
    Switch{"kprobe", &Features::has_kprobe},
};

constexpr std::array kChargeFunctions{"page_counter_uncharge", "page_counter_charge",
                                      "page_counter_try_charge"};

constexpr std::string_view kMarkVictimName = "mark_victim";

// tp_btf programs attach to the typedef of the tracepoint's prototype.
bool has_tracepoint(const btf* types, std::string_view name) {
  return btf__find_by_name_kind(types, fmt::format("btf_trace_{}", name).c_str(), BTF_KIND_TYPEDEF) > 0;
}

bool has_function(const btf* types, const char* name) {
  return btf__find_by_name_kind(types, name, BTF_KIND_FUNC) > 0;
}

// typedef void (*btf_trace_mark_victim)(void *, …): what is the first real parameter?
MarkVictim find_mark_victim(const btf* types) {
  const int id = btf__find_by_name_kind(types, "btf_trace_mark_victim", BTF_KIND_TYPEDEF);
  if (id <= 0) return MarkVictim::absent;
  const btf_type* pointer = btf__type_by_id(types, btf__type_by_id(types, static_cast<__u32>(id))->type);
  if (pointer == nullptr || !btf_is_ptr(pointer)) return MarkVictim::absent;
  const btf_type* prototype = btf__type_by_id(types, pointer->type);
  if (prototype == nullptr || !btf_is_func_proto(prototype) || btf_vlen(prototype) < 2) {
    return MarkVictim::absent;
  }
  const btf_type* first = btf__type_by_id(types, btf_params(prototype)[1].type);
  return first != nullptr && btf_is_ptr(first) ? MarkVictim::takes_task : MarkVictim::takes_pid;
}

// ___GFP_ACCOUNT_BIT is a value of an enum without a name (include/linux/gfp_types.h, 6.10; the macros
// before it are not in the BTF).
std::optional<std::uint64_t> find_gfp_account(const btf* types) {
  for (__u32 id = 1; id < btf__type_cnt(types); ++id) {
    const btf_type* type = btf__type_by_id(types, id);
    if (!btf_is_enum(type) || type->name_off != 0) continue;
    const struct btf_enum* values = btf_enum(type);
    for (int i = 0; i < btf_vlen(type); ++i) {
      if (std::string_view(btf__name_by_offset(types, values[i].name_off)) != "___GFP_ACCOUNT_BIT") continue;
      return std::uint64_t{1} << values[i].val;
    }
  }
  return std::nullopt;
}

bool locked_down() {
  std::ifstream file("/sys/kernel/security/lockdown");
  std::string text;
  std::getline(file, text);
  return text.find("[confidentiality]") != std::string::npos;
}

// Who has the capabilities, and is refused all the same, is so by a filter on system calls, where there is
// one: profiles of older container runtimes ask for SYS_ADMIN.
bool is_filtered(int error) {
  if ((error != EPERM && error != ENOSYS) || prctl(PR_GET_SECCOMP) != SECCOMP_MODE_FILTER) return false;
  const std::uint64_t has = rights::effective_capabilities();
  return rights::has_capability(has, CAP_SYS_ADMIN) ||
         (rights::has_capability(has, CAP_BPF) && rights::has_capability(has, CAP_PERFMON));
}

void try_loading(Features& features) {
  const int error = try_load();
  features.may_load_bpf = error == 0;
  if (!features.may_load_bpf)
    features.may_load_bpf_error = is_filtered(error) ? kByFilter : std::strerror(error);
  if (!features.may_load_bpf && locked_down()) features.may_load_bpf_error = "the kernel is locked down";
}

void find_in_btf(const btf* types, Features& features) {
  features.has_tp_btf = has_tracepoint(types, "mm_page_alloc");
  features.has_rdonly_cast = has_function(types, "bpf_rdonly_cast");
  features.has_reclaim_tracepoints = has_tracepoint(types, "mm_vmscan_memcg_reclaim_begin") &&
                                     has_tracepoint(types, "mm_vmscan_memcg_reclaim_end");
  features.has_cgroup_tracepoints = has_tracepoint(types, "cgroup_mkdir") &&
                                    has_tracepoint(types, "cgroup_rmdir") &&
                                    has_tracepoint(types, "cgroup_attach_task");
  features.has_switch_tracepoint = has_tracepoint(types, "sched_switch");
  features.has_rename_tracepoint = has_tracepoint(types, "task_rename");
  features.has_signal_tracepoint = has_tracepoint(types, "signal_generate");
  features.mark_victim = find_mark_victim(types);
  features.gfp_account = find_gfp_account(types).value_or(features.gfp_account);
  features.has_oom_kill_process = has_function(types, "oom_kill_process");
  features.has_over_high_inline = has_function(types, "__mem_cgroup_handle_over_high");
  features.has_over_high =
      !features.has_over_high_inline && has_function(types, "mem_cgroup_handle_over_high");
  features.has_charge_functions = true;
  for (const char* function : kChargeFunctions) {
    features.has_charge_functions = features.has_charge_functions && has_function(types, function);
  }
  if (features.may_load_bpf) {
    features.has_fentry = try_fexit(types, kChargeFunctions.front(), features.fentry_error);
    features.has_kprobe = try_kprobe(kChargeFunctions.front(), features.kprobe_error);
  }
}

void find_in_bpf(Features& features) {
  features.has_ring_buffer = libbpf_probe_bpf_map_type(BPF_MAP_TYPE_RINGBUF, nullptr) == 1;
  features.has_current_task_btf =
      libbpf_probe_bpf_helper(BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_FUNC_get_current_task_btf, nullptr) == 1;
  features.has_task_stack =
      features.has_current_task_btf &&
      libbpf_probe_bpf_helper(BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_FUNC_get_task_stack, nullptr) == 1;
  features.has_user_copies =
      features.has_task_stack &&
      libbpf_probe_bpf_helper(BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_FUNC_probe_read_user, nullptr) == 1;
  features.has_task_pt_regs =
      libbpf_probe_bpf_helper(BPF_PROG_TYPE_RAW_TRACEPOINT, BPF_FUNC_task_pt_regs, nullptr) == 1;
  // Of a program type that the kernel does not know, libbpf says that it has every helper.
  features.has_timer = libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_SYSCALL, nullptr) == 1 &&
                       libbpf_probe_bpf_helper(BPF_PROG_TYPE_SYSCALL, BPF_FUNC_timer_init, nullptr) == 1;
}

}  // namespace

std::vector<std::string_view> feature_names() {
  std::vector<std::string_view> names{kMarkVictimName};
  for (const Switch& entry : kSwitches) names.push_back(entry.name);
  return names;
}

Features find_features(const std::vector<std::string>& disabled) {
  const LogCapture quiet;  // what libbpf finds amiss is found out here, and said in other words
  Features features;
  utsname name{};
  if (uname(&name) == 0) features.kernel_release = name.release;
  features.is_root = geteuid() == 0;
  try_loading(features);
  const BtfPtr types{btf__load_vmlinux_btf()};
  features.has_btf = types != nullptr;
  if (types != nullptr) find_in_btf(types.get(), features);
  if (features.may_load_bpf) find_in_bpf(features);
  if (!check_required(features)) features.own_limit = too_tight_own_limit();
  if (types != nullptr && !features.own_limit) features.own_limit = too_little_locked_memory(types.get());
  for (const std::string& off : disabled) {
    if (off == kMarkVictimName) features.mark_victim = MarkVictim::absent;
    for (const Switch& entry : kSwitches) {
      if (entry.name == off) features.*entry.flag = false;
    }
    if (off == "fentry") features.fentry_error = "disabled by --disable-feature";
    if (off == "kprobe") features.kprobe_error = "disabled by --disable-feature";
    if (!features.may_load_bpf && features.may_load_bpf_error.empty()) {
      features.may_load_bpf_error = "disabled by --disable-feature";
    }
  }
  return features;
}

Result<void> check_required(const Features& features) {
  const auto refuse = [](std::string message, std::string advice) -> Result<void> {
    return fail(ErrorKind::unsupported, std::move(message), std::move(advice));
  };
  if (features.own_limit) return tl::unexpected(*features.own_limit);
  if (!features.may_load_bpf) {
    if (!features.is_root) {
      return refuse("loading BPF programs needs root", "run it with sudo, or grant CAP_BPF and CAP_PERFMON");
    }
    if (features.may_load_bpf_error == kByFilter) {
      return refuse(
          fmt::format("BPF programs are refused: {}", kByFilter),
          "name a seccomp profile for the container that allows bpf(2) and perf_event_open(2) to BPF and "
          "PERFMON, or none (seccompProfile: Unconfined)");
    }
    return refuse(
        fmt::format("this kernel refuses BPF programs: {}", features.may_load_bpf_error),
        "in a container, add BPF and PERFMON to its capabilities; on the host, check kernel lockdown "
        "(lockdown=none) and CONFIG_BPF_SYSCALL");
  }
  if (!features.has_btf) {
    return refuse(fmt::format("kernel {} carries no BTF (/sys/kernel/btf/vmlinux)", features.kernel_release),
                  "run a kernel built with CONFIG_DEBUG_INFO_BTF=y, as distributions' are from 5.10 on");
  }
  if (!features.has_ring_buffer) {
    return refuse(fmt::format("kernel {} has no BPF ring buffer", features.kernel_release),
                  "memspike needs Linux 5.8 or newer");
  }
  if (!features.has_tp_btf) {
    return refuse(fmt::format("kernel {} does not expose the page allocation tracepoints to BPF",
                              features.kernel_release),
                  "run a kernel with CONFIG_TRACEPOINTS and CONFIG_DEBUG_INFO_BTF");
  }
  return {};
}

}  // namespace memspike::probe
