// How often the programs ran, and how long: by the kernel's own measuring, which is asked for with --self.
#include "probe/run_stats.h"

#include <fmt/core.h>

#include <cstring>

#include "probe/program_info.h"
#include "probe/state.h"

namespace memspike::probe {

Result<UniqueFd> start_run_stats() {
  const int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
  if (fd >= 0) return UniqueFd(fd);
  return fail(ErrorKind::unsupported, std::strerror(errno));
}

std::vector<ProgramRuns> Probe::runs() const {
  std::vector<ProgramRuns> all;
  if (!state_->run_stats) return all;
  each_program_info(*state_->skeleton, [&](const bpf_program* program, const bpf_prog_info& info) {
    if (info.run_cnt > 0) all.push_back({bpf_program__name(program), info.run_cnt, info.run_time_ns});
  });
  return all;
}

}  // namespace memspike::probe
