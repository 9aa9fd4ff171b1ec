// What a CPU charges ahead, and an idle one may hold: MEMCG_CHARGE_BATCH pages (include/linux/memcontrol.h)
// of the machine that was recorded, whose pages need not be as large as ours.
#pragma once

#include <cstdint>

namespace memspike {

constexpr std::uint64_t charge_batch_bytes(std::uint64_t page_size_bytes) { return 64 * page_size_bytes; }

}  // namespace memspike
