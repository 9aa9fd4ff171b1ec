// What a reading says of who made the counter rise.
#pragma once

#include <cstdint>

#include "composition/allocated.h"
#include "decode/event.h"

namespace memspike::capture {

// Whether a rise in this sample was made by the task that was running: its trigger fires in the task that
// charges. A rise that any other trigger sees was made by somebody else.
bool may_attribute(const decode::Sample& event);

// What its process allocated since it was last told.
composition::Allocated allocated_by(const decode::Sample& event);

// What it charged, where usage rose so far.
std::uint64_t charged_by(const decode::Sample& event, std::uint64_t risen_bytes);

}  // namespace memspike::capture
