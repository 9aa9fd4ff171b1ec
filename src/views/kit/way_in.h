// What the kernel was asked for when memory was charged: the kernel's part of a stack in a word or two.
#pragma once

#include <string>

#include "report/stacks.h"

namespace memspike::views {

// How much is shown of the kernel's part: the way in, or every function.
enum class KernelFrames { way_in, all };

// Stands where a stack is cut short: what called its last frame is not known.
inline constexpr const char* kCutShort = "[cut short]";

// "page fault", "huge page", "tmpfs write", "fork", …; else the system call; "" without kernel frames.
std::string way_in(const facts::Stack& stack, const report::Stacks& stacks);

}  // namespace memspike::views
