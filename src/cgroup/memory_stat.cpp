#include "cgroup/memory_stat.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <utility>
#include <vector>

#include "cgroup/files.h"
#include "cgroup/host_files.h"

namespace memspike::cgroup {
namespace {

constexpr std::size_t kMaxStatBytes = 64 * 1024;

class Values {
 public:
  explicit Values(std::string_view content) {
    values_.reserve(64);
    while (!content.empty()) {
      const std::string_view line = content.substr(0, content.find('\n'));
      content.remove_prefix(std::min(content.size(), line.size() + 1));
      add(line);
    }
  }
  // There are some 40, and a dozen are asked for: to go through them takes less than to sort them.
  std::optional<std::uint64_t> operator()(std::string_view key) const {
    const auto known =
        std::find_if(values_.begin(), values_.end(), [&](const auto& value) { return value.first == key; });
    return known != values_.end() ? std::optional(known->second) : std::nullopt;
  }

 private:
  void add(std::string_view line) {
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) return;
    std::uint64_t value = 0;
    const char* const end = line.data() + line.size();
    const auto [stop, error] = std::from_chars(line.data() + space + 1, end, value);
    if (error == std::errc{} && stop == end) values_.emplace_back(line.substr(0, space), value);
  }

  std::vector<std::pair<std::string_view, std::uint64_t>> values_;
};

std::optional<std::uint64_t> without(std::optional<std::uint64_t> all, std::optional<std::uint64_t> part) {
  return all && part ? std::optional(*all - std::min(*all, *part)) : all;
}

std::optional<std::uint64_t> both(std::optional<std::uint64_t> a, std::optional<std::uint64_t> b) {
  return a && b ? std::optional(*a + *b) : std::nullopt;
}

// Before Linux 5.18 there is no sum.
std::optional<std::uint64_t> kernel_of_v2(const Values& value) {
  if (const auto all = value("kernel")) return all;
  std::optional<std::uint64_t> sum;
  for (const char* key : {"slab", "pagetables", "kernel_stack", "percpu"}) {
    if (const auto part = value(key)) sum = sum.value_or(0) + *part;
  }
  return sum;
}

}  // namespace

MemoryStat parse_memory_stat(std::string_view content) {
  const Values value(content);
  MemoryStat stat;
  // v1 has the plain names as well: there they leave the descendants out.
  if (value("total_rss")) {
    stat.inactive_file_bytes = value("total_inactive_file");
    stat.reclaimable_file_bytes = both(stat.inactive_file_bytes, value("total_active_file"));
    stat.parts.anon_bytes = value("total_rss");
    stat.parts.shmem_bytes = value("total_shmem");
    stat.parts.file_bytes = without(value("total_cache"), stat.parts.shmem_bytes);
    return stat;
  }
  stat.inactive_file_bytes = value("inactive_file");
  stat.reclaimable_file_bytes = both(stat.inactive_file_bytes, value("active_file"));
  stat.parts.anon_bytes = value("anon");
  stat.parts.shmem_bytes = value("shmem");
  stat.parts.file_bytes = without(value("file"), stat.parts.shmem_bytes);
  stat.parts.kernel_bytes = kernel_of_v2(value);
  stat.parts.sock_bytes = value("sock");
  return stat;
}

StatFiles::StatFiles(const std::filesystem::path& dir, Version version) : stat_(dir / kMemoryStat) {
  if (version != Version::v2) kernel_ = SmallFile(dir / kKmemUsageInBytes);
  if (version != Version::v1) usage_ = SmallFile(dir / kMemoryCurrent);
  if (!usage_ && version != Version::v2) usage_ = SmallFile(dir / kUsageInBytes);
}

std::optional<StatFiles::Reading> StatFiles::read() const {
  const auto content = stat_.read(kMaxStatBytes, Pieces::one);
  if (!content) return std::nullopt;
  Reading reading{parse_memory_stat(*content), {}};
  if (!reading.stat.parts.kernel_bytes) reading.stat.parts.kernel_bytes = read_number(kernel_);
  reading.usage_bytes = read_number(usage_);
  return reading;
}

std::optional<bool> read_has_processes(const std::filesystem::path& dir) {
  // A list too long to be read is not empty.
  const SmallFile procs(dir / kProcs);
  if (!procs) return std::nullopt;
  const auto content = procs.read(kMaxStatBytes, Pieces::short_lines);
  return !content || !content->empty();
}

std::optional<bool> read_populated(const std::filesystem::path& dir) {
  const auto events = read_small_file(dir / kEvents, kMaxStatBytes, Pieces::one);
  if (!events) return read_has_processes(dir);
  return events->find("populated 0\n") == std::string::npos;
}

}  // namespace memspike::cgroup
