// What the maps take of the kernel's memory, as the kernel says it: since 6.4 exactly, before that without
// what a map needs beside its entries.
#include <fmt/core.h>

#include <fstream>
#include <string>

#include "probe/state.h"

namespace memspike::probe {
namespace {

std::uint64_t bytes_of(int map_fd) {
  std::ifstream lines(fmt::format("/proc/self/fdinfo/{}", map_fd));
  std::string name;
  for (std::uint64_t value = 0; lines >> name;) {
    if (name == "memlock:" && lines >> value) return value;
  }
  return 0;
}

}  // namespace

// All are made in their full size: that is asked once.
std::uint64_t Probe::map_bytes() const {
  if (state_->map_bytes != 0) return state_->map_bytes;
  std::uint64_t sum = 0;
  bpf_map* map = nullptr;
  bpf_object__for_each_map(map, state_->skeleton->obj) { sum += bytes_of(bpf_map__fd(map)); }
  return state_->map_bytes = sum;
}

}  // namespace memspike::probe
