#include "probe/mapped.h"

#include <fmt/core.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>

#include "base/own_limits.h"

namespace memspike::probe {

std::uint32_t tally_count() {
  return static_cast<std::uint32_t>(libbpf_num_possible_cpus()) * MEMSPIKE_TRIGGER_COUNT;
}

Result<std::span<std::byte>> map_values(const bpf_map* map) {
  const std::size_t bytes = std::size_t{bpf_map__max_entries(map)} * bpf_map__value_size(map);
  void* address = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
  if (address == MAP_FAILED) {
    if (auto limit = own_limit_behind(errno)) return tl::unexpected(std::move(*limit));
    return fail(ErrorKind::failed,
                fmt::format("cannot map {}: {}", bpf_map__name(map), std::strerror(errno)));
  }
  return std::span(static_cast<std::byte*>(address), bytes);
}

void unmap_values(std::span<std::byte> values) {
  if (!values.empty()) munmap(values.data(), values.size());
}

}  // namespace memspike::probe
