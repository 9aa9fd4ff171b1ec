#include "probe/tallies.h"

#include <bpf/libbpf.h>
#include <fmt/core.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace memspike::probe {

std::uint32_t tally_count() {
  return static_cast<std::uint32_t>(libbpf_num_possible_cpus()) * MEMSPIKE_TRIGGER_COUNT;
}

Result<Tallies> Tallies::map(int fd) {
  const std::size_t count = tally_count();
  void* address = mmap(nullptr, count * sizeof(memspike_tally), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (address == MAP_FAILED) {
    return fail(ErrorKind::failed, fmt::format("cannot map the counters: {}", std::strerror(errno)));
  }
  Tallies tallies;
  tallies.tallies_ = {static_cast<memspike_tally*>(address), count};
  return tallies;
}

Tallies::Tallies(Tallies&& other) noexcept : tallies_(std::exchange(other.tallies_, {})) {}

Tallies& Tallies::operator=(Tallies&& other) noexcept {
  std::swap(tallies_, other.tallies_);
  return *this;
}

Tallies::~Tallies() {
  if (!tallies_.empty()) munmap(tallies_.data(), tallies_.size_bytes());
}

}  // namespace memspike::probe
