// What a memcg's memory consists of, as one reading of its files had it. Plain values.
#pragma once

#include <cstdint>
#include <optional>

namespace memspike::composition {

// No byte is in two of them. Unset: this kernel does not tell.
struct Parts {
  std::optional<std::uint64_t> anon_bytes;
  std::optional<std::uint64_t> file_bytes;    // page cache, without shmem
  std::optional<std::uint64_t> shmem_bytes;   // tmpfs and shared memory
  std::optional<std::uint64_t> kernel_bytes;  // slab, page tables, kernel stacks and the like
  std::optional<std::uint64_t> sock_bytes;    // buffers of sockets

  std::uint64_t sum_bytes() const {
    return anon_bytes.value_or(0) + file_bytes.value_or(0) + shmem_bytes.value_or(0) +
           kernel_bytes.value_or(0) + sock_bytes.value_or(0);
  }

  friend bool operator==(const Parts&, const Parts&) = default;
};

struct Reading {
  std::uint64_t time_ns = 0;  // when it was really taken
  std::uint64_t usage_bytes = 0;
  Parts parts;
};

// From one reading to a later one. A part that is unset was not known in both.
struct Growth {
  std::uint64_t from_ns = 0;
  std::uint64_t to_ns = 0;
  std::optional<std::int64_t> anon_bytes;
  std::optional<std::int64_t> file_bytes;
  std::optional<std::int64_t> shmem_bytes;
  std::optional<std::int64_t> kernel_bytes;
  std::optional<std::int64_t> sock_bytes;
};

}  // namespace memspike::composition
