// The values of a BPF array, mapped: read without a system call, where the programs write. A field is read
// whole; two fields may be one firing apart.
#pragma once

#include <bpf/libbpf.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

#include "base/result.h"
#include "memspike/abi.h"

namespace memspike::probe {

// The whole of a map with BPF_F_MMAPABLE.
Result<std::span<std::byte>> map_values(const bpf_map* map);
void unmap_values(std::span<std::byte> values);

template <class T>
class Mapped {
 public:
  static Result<Mapped> map(const bpf_map* map) {
    auto bytes = map_values(map);
    if (!bytes) return tl::unexpected(bytes.error());
    Mapped mapped;
    mapped.bytes_ = *bytes;
    return mapped;
  }

  Mapped() = default;
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;
  Mapped(Mapped&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
  Mapped& operator=(Mapped&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~Mapped() { unmap_values(bytes_); }

  std::span<T> all() const { return {reinterpret_cast<T*>(bytes_.data()), bytes_.size() / sizeof(T)}; }

 private:
  std::span<std::byte> bytes_;
};

// Of all triggers on all CPUs, at cpu * MEMSPIKE_TRIGGER_COUNT + trigger.
using Tallies = Mapped<memspike_tally>;

// One for each trigger on each possible CPU: the size of the map.
std::uint32_t tally_count();

}  // namespace memspike::probe
