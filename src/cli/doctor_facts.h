// What the doctor looks at beside the features: this process's privileges, and
// settings of the kernel that decide whether BPF is allowed and what it costs.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

namespace memspike::cli {

struct HostFacts {
  uid_t uid = 0;
  std::uint64_t capabilities = 0;         // effective ones, by bit
  bool in_container = false;              // with namespaces of its own
  bool in_initial_user_namespace = true;  // elsewhere root is not the node's root
  std::string lockdown = "none";          // "none", "integrity", "confidentiality"
  std::optional<int> bpf_jit_enable;      // unset: not visible
  std::optional<int> bpf_stats_enabled;

  bool has_bpf_capabilities() const;  // CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN
};

HostFacts read_host_facts();

}  // namespace memspike::cli
