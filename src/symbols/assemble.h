// Between stacks by address and stacks of frames. Pure.
#pragma once

#include <string_view>
#include <vector>

#include "facts/code.h"
#include "symbols/places.h"

namespace memspike::symbols {

// Each place in the stacks once, those of the heaviest stacks first.
std::vector<Place> places_of(const facts::RawStacks& raw);

// `places`: as places_of() gave them; `code`: what is known of them, of fewer perhaps.
facts::NamedStacks assemble(const facts::RawStacks& raw, const std::vector<Place>& places, const Code& code);

// Whether a stack that ends in this function is complete: threads and programs start there.
bool is_start_of_thread(std::string_view function);

// Whether a kernel function is the tracing itself and not what was traced.
bool is_tracing(std::string_view function);

}  // namespace memspike::symbols
