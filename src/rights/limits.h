// What this process may use at most.
#pragma once

#include <cstdint>

namespace memspike::rights {

// Address space beyond what is mapped now. No effect under a sanitizer, whose shadow is beyond any limit.
void limit_memory(std::uint64_t more_bytes);

// Processor time of this process from its beginning; after that the kernel kills it.
void limit_processor_time(std::uint64_t seconds);

// No core dump, for it would hold what strangers' files hold; nothing written to any file.
void write_no_files();

}  // namespace memspike::rights
