#include "cli/kernel_counters.h"

#include <algorithm>

#include "cgroup/files.h"

namespace memspike::cli {
namespace {

// Nothing where one of the two could not be read, or where somebody reset the count meanwhile.
std::optional<std::uint64_t> difference(std::optional<std::uint64_t> now,
                                        std::optional<std::uint64_t> before) {
  return now && before && *now >= *before ? std::optional(*now - *before) : std::nullopt;
}

// By the file, or by what the kernel counts and cgroup v1 shows in none: see read_hits (bpf/memcg.bpf.h).
std::optional<std::uint64_t> refused(std::optional<std::uint64_t> by_file,
                                     const report::Interpreter::Memcg& memcg) {
  return by_file ? std::optional(std::max(*by_file, memcg.refused_charges())) : std::nullopt;
}

}  // namespace

KernelCounters::Counts KernelCounters::read_counts(const std::string& path) const {
  const auto dir = cgroup::memcg_dir(hierarchy_, path);
  return {cgroup::read_oom_kills(dir), cgroup::read_limit_hits(dir), cgroup::read_high_hits(dir)};
}

void KernelCounters::read_before(const std::string& path) {
  constexpr std::size_t kMaxBefore = 4096;
  if (before_.size() < kMaxBefore) before_.insert_or_assign(path, read_counts(path));
}

void KernelCounters::begin(report::MemcgIndex memcg, const std::string& path) {
  // Taken out: a later cgroup of the same path has counts of its own.
  if (const auto before = before_.extract(path); !before.empty()) {
    begun_[memcg] = before.mapped();
  } else {
    begun_[memcg] = read_counts(path);
  }
}

bool KernelCounters::read(const report::Interpreter& interpreter,
                          std::vector<report::KernelCounts>& counts) const {
  bool settled = true;
  counts.clear();
  for (report::MemcgIndex index = 0; index < interpreter.memcgs().size(); ++index) {
    const report::Interpreter::Memcg& memcg = interpreter.memcgs()[index];
    if (memcg.gone || !memcg.track.last()) continue;
    const std::uint64_t watermark = memcg.track.last()->watermark_bytes;
    report::KernelCounts& count = counts.emplace_back();
    count.memcg = index;
    count.peak_bytes = watermark;
    count.peak_source = "watermark";
    if (const auto peak = cgroup::read_kernel_peak(cgroup::memcg_dir(hierarchy_, memcg.path))) {
      count.peak_bytes = peak->bytes;
      count.peak_source = peak->source;
      settled = settled && peak->bytes == watermark;
    }
    const auto begun = begun_.find(index);
    if (begun == begun_.end()) continue;
    const Counts now = read_counts(memcg.path);
    count.oom_kills = difference(now.oom_kills, begun->second.oom_kills);
    count.limit_hits = refused(difference(now.limit_hits, begun->second.limit_hits), memcg);
    count.high_hits = difference(now.high_hits, begun->second.high_hits);
  }
  return settled;
}

}  // namespace memspike::cli
