#include "probe/trials.h"

#include <fmt/core.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/perf_event.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>

#include "base/unique_fd.h"
#include "base/units.h"
#include "rights/capabilities.h"

namespace memspike::probe {
namespace {

// return 0;
constexpr std::array<bpf_insn, 2> kReturnZero{
    bpf_insn{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
    bpf_insn{.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};

UniqueFd load(bpf_prog_type type, const bpf_prog_load_opts* options) {
  return UniqueFd(
      bpf_prog_load(type, "memspike_try", "GPL", kReturnZero.data(), kReturnZero.size(), options));
}

bool failed(std::string& error) {
  error = std::strerror(errno);
  return false;
}

}  // namespace

int try_load() { return load(BPF_PROG_TYPE_RAW_TRACEPOINT, nullptr) ? 0 : errno; }

bool try_fexit(const btf* types, const char* function, std::string& error) {
  const int id = btf__find_by_name_kind(types, function, BTF_KIND_FUNC);
  if (id <= 0) {
    error = "the kernel's BTF has no such function";
    return false;
  }
  bpf_prog_load_opts options{};
  options.sz = sizeof(options);
  options.expected_attach_type = BPF_TRACE_FEXIT;
  options.attach_btf_id = static_cast<__u32>(id);
  const UniqueFd program = load(BPF_PROG_TYPE_TRACING, &options);
  if (!program) return failed(error);
  const UniqueFd link(bpf_raw_tracepoint_open(nullptr, program.get()));
  return link ? true : failed(error);
}

bool try_kprobe(const char* function, std::string& error) {
  std::ifstream file("/sys/bus/event_source/devices/kprobe/type");
  std::uint32_t type = 0;
  if (!(file >> type)) {
    error = "the kernel has no kprobes (CONFIG_KPROBE_EVENTS)";
    return false;
  }
  perf_event_attr attributes{};
  attributes.size = sizeof(attributes);
  attributes.type = type;
  attributes.kprobe_func = reinterpret_cast<std::uintptr_t>(function);
  const UniqueFd event(
      static_cast<int>(syscall(SYS_perf_event_open, &attributes, -1, 0, -1, PERF_FLAG_FD_CLOEXEC)));
  return event ? true : failed(error);
}

std::optional<Error> too_little_locked_memory(const btf* types) {
  constexpr rlim_t kEnoughBytes = 16U << 20;
  const std::uint64_t capabilities = rights::effective_capabilities();
  const bool has_right =
      rights::has_capability(capabilities, CAP_BPF) || rights::has_capability(capabilities, CAP_SYS_ADMIN);
  if (!has_right || btf__find_by_name_kind(types, "bpf_map_charge_init", BTF_KIND_FUNC) <= 0)
    return std::nullopt;
  rlimit limit{};  // libbpf has raised it by now, where it may
  if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0 || limit.rlim_cur >= kEnoughBytes) return std::nullopt;
  return Error{
      ErrorKind::unsupported,
      fmt::format("memspike itself may lock no more than {} of memory (RLIMIT_MEMLOCK), and this kernel "
                  "counts BPF maps as locked",
                  format_bytes(limit.rlim_cur)),
      "raise the limit, such as by ulimit -l unlimited, or add SYS_RESOURCE to the container's "
      "capabilities"};
}

}  // namespace memspike::probe
