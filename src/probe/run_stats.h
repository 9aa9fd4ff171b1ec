// The kernel's measuring of BPF programs (kernel.bpf_stats). Private to this room.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

namespace memspike::probe {

// The kernel measures every BPF program of the machine as long as this is open.
Result<UniqueFd> start_run_stats();

}  // namespace memspike::probe
