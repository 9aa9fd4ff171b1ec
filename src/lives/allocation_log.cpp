#include "lives/allocation_log.h"

#include <algorithm>
#include <tuple>
#include <utility>

namespace memspike::lives {
namespace {

auto identity_of(const report::ProcessPages& process) { return std::tie(process.pid, process.comm); }

}  // namespace

void AllocationLog::add(const std::string& comm, std::uint32_t pid,
                        const std::vector<std::uint64_t>& by_order) {
  all_.by_order.resize(std::max(all_.by_order.size(), by_order.size()));
  std::uint64_t pages = 0;
  for (std::size_t order = 0; order < by_order.size(); ++order) {
    all_.by_order[order] += by_order[order];
    pages += by_order[order] << order;
  }
  if (pages == 0) return;
  all_.pages += pages;
  if (pid == 0) {
    all_.unattributed_pages += pages;
    return;
  }
  all_.by_process.push_back({pid, comm, pages});
  if (all_.by_process.size() >= 2 * kMaxProcesses) keep_greatest();
}

void AllocationLog::merge_parts() {
  auto& processes = all_.by_process;
  std::stable_sort(processes.begin(), processes.end(),
                   [](const report::ProcessPages& a, const report::ProcessPages& b) {
                     return identity_of(a) < identity_of(b);
                   });
  std::vector<report::ProcessPages> merged;
  for (report::ProcessPages& process : processes) {
    if (!merged.empty() && identity_of(merged.back()) == identity_of(process)) {
      merged.back().pages += process.pages;
    } else {
      merged.push_back(std::move(process));
    }
  }
  processes = std::move(merged);
}

void AllocationLog::keep_greatest() {
  merge_parts();
  auto& processes = all_.by_process;
  std::stable_sort(
      processes.begin(), processes.end(),
      [](const report::ProcessPages& a, const report::ProcessPages& b) { return a.pages > b.pages; });
  for (std::size_t i = kMaxProcesses; i < processes.size(); ++i)
    all_.unattributed_pages += processes[i].pages;
  processes.resize(std::min(processes.size(), kMaxProcesses));
}

report::Allocations AllocationLog::take() {
  keep_greatest();
  return std::exchange(all_, {});
}

}  // namespace memspike::lives
