// Stacks by address to facts with names.
#pragma once

#include <cstdint>

#include "report/interpreter.h"
#include "symbols/symbolizer.h"

namespace memspike::cli {

// In pieces: what a reader has to hold at a time stays small.
void emit_stacks(const report::RawStacks& raw, symbols::Symbolizer& symbolizer, std::uint64_t page_size_bytes,
                 const report::Interpreter::Emit& emit);

}  // namespace memspike::cli
