#include "capture/live/kernel_counters.h"

#include <algorithm>
#include <variant>

#include "cgroup/files.h"
#include "cgroup/memory_stat.h"

namespace memspike::capture {
namespace {

// Nothing where one of the two could not be read, or where somebody reset the count meanwhile.
std::optional<std::uint64_t> difference(std::optional<std::uint64_t> now,
                                        std::optional<std::uint64_t> before) {
  return now && before && *now >= *before ? std::optional(*now - *before) : std::nullopt;
}

// By the file, or by what the kernel counts and cgroup v1 shows in none: see read_hits (bpf/memcg.bpf.h).
std::optional<std::uint64_t> refused(std::optional<std::uint64_t> by_file, const Living& memcg) {
  return by_file ? std::optional(std::max(*by_file, memcg.refused_charges)) : std::nullopt;
}

}  // namespace

KernelCounters::Counts KernelCounters::read_counts(const std::string& path) const {
  const auto dir = cgroup::memcg_dir(hierarchy_, path);
  const cgroup::Version version = hierarchy_.version();
  return {cgroup::read_oom_kills(dir, version), cgroup::read_refused_charges(dir, version),
          cgroup::read_throttled_charges(dir, version), cgroup::read_pressure_ns(dir, version)};
}

void KernelCounters::before_tracking(const std::string& path) {
  constexpr std::size_t kMaxBefore = 4096;
  if (!spares_ && before_.size() < kMaxBefore) before_.insert_or_assign(path, read_counts(path));
}

void KernelCounters::on_fact(const facts::Fact& fact, const Emit&) {
  if (const auto* gone = std::get_if<facts::MemcgGone>(&fact)) begun_.erase(gone->memcg);
  const auto* born = std::get_if<facts::MemcgFound>(&fact);
  if (born == nullptr || spares_) return;
  // Taken out: a later cgroup of the same path has counts of its own.
  if (const auto before = before_.extract(born->path); !before.empty()) {
    begun_[born->memcg] = before.mapped();
  } else {
    begun_[born->memcg] = read_counts(born->path);
  }
}

bool KernelCounters::read(std::vector<facts::KernelCounts>& counts) const {
  bool settled = true;
  counts.clear();
  for (const auto& [index, memcg] : census_.all()) {
    if (!memcg.last) continue;
    const std::uint64_t watermark = memcg.last->watermark_bytes;
    facts::KernelCounts& count = counts.emplace_back();
    count.memcg = index;
    count.peak_bytes = watermark;
    count.peak_source = "watermark";
    const auto dir = cgroup::memcg_dir(hierarchy_, memcg.path);
    if (const auto peak = cgroup::read_kernel_peak(dir, hierarchy_.version())) {
      count.peak_bytes = peak->bytes;
      count.peak_source = peak->source;
      settled = settled && peak->bytes == watermark;
    }
    const auto begun = begun_.find(index);
    if (begun == begun_.end()) continue;
    const Counts now = read_counts(memcg.path);
    count.oom_kills = difference(now.oom_kills, begun->second.oom_kills);
    count.refused_charges = refused(difference(now.refused_charges, begun->second.refused_charges), memcg);
    count.throttled_charges = difference(now.throttled_charges, begun->second.throttled_charges);
    count.populated = cgroup::read_populated(dir);
    count.pressure_ns = difference(now.pressure_ns, begun->second.pressure_ns);
  }
  return settled;
}

}  // namespace memspike::capture
