// What would give names to code that a JIT made: a hint once a process. Pure.
#pragma once

#include <string>
#include <vector>

#include "facts/code.h"
#include "symbols/places.h"

namespace memspike::symbols {

// Those whose nameless code weighs most come first; not many. `places`, `code`: as assemble() has them.
std::vector<std::string> jit_hints(const facts::RawStacks& raw, const std::vector<Place>& places,
                                   const Code& code);

}  // namespace memspike::symbols
