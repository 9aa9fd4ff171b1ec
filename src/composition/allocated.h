// What tasks of a memcg allocated, told apart by the allocations' gfp flags. Plain values.
#pragma once

#include <cstdint>

namespace memspike::composition {

// Allocations, not charges: what a page was meant for, as it was asked for. See enum memspike_purpose.
struct Allocated {
  std::uint64_t user_bytes = 0;  // __GFP_MOVABLE: anonymous memory, tmpfs, page cache
  std::uint64_t kernel_bytes =
      0;                          // __GFP_ACCOUNT: page tables, stacks, pipes, and what else is charged whole
  std::uint64_t other_bytes = 0;  // neither: charged piece by piece (slabs, sockets), or to nobody

  bool any() const { return user_bytes != 0 || kernel_bytes != 0 || other_bytes != 0; }
  void add(const Allocated& more) {
    user_bytes += more.user_bytes;
    kernel_bytes += more.kernel_bytes;
    other_bytes += more.other_bytes;
  }

  friend bool operator==(const Allocated&, const Allocated&) = default;
};

}  // namespace memspike::composition
