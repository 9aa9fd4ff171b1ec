// Bytes of the ring buffer (or of anybody who claims so) to events.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/result.h"
#include "decode/event.h"

namespace memspike::decode {

// Decodes one record of include/memspike/abi.h. Every size is checked before
// anything is read, and every count before it is used; a record that does not
// fit is an error (ErrorKind::failed), never undefined behaviour.
// page_size_bytes: of the machine that wrote it, a power of two.
Result<Event> decode(std::span<const std::byte> record, std::uint64_t page_size_bytes);

}  // namespace memspike::decode
