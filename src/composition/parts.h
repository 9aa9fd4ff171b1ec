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

  // Whether the parts are of an earlier moment than usage: memory.stat is up to some 20 ms late (the kernel
  // flushes it when enough has changed), usage is not. What the CPUs charged ahead is in no part, either.
  bool lags() const {
    constexpr std::uint64_t kChargedAheadBytes = 4U << 20;
    constexpr std::uint64_t kShare = 8;
    const std::uint64_t slack_bytes =
        usage_bytes / kShare > kChargedAheadBytes ? usage_bytes / kShare : kChargedAheadBytes;
    return usage_bytes > parts.sum_bytes() + slack_bytes;
  }
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

// What rose, and how its make-up changed while usage stood there: page cache fills a limit first, and the
// heap then pushes it out.
struct Makeup {
  Growth grown;                 // from the floor to the end: the kill, or the end of the crest
  std::optional<Growth> shift;  // from the arrival to the end, where it is a tenth of the height or more
};

}  // namespace memspike::composition
