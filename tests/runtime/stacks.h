// What tests of --stacks ask of a report.
#pragma once

#include "harness.h"

namespace memspike::test {

// Whether this kernel can do it at all (5.11): asked of the doctor, not of what is tested.
bool kernel_takes_stacks();

std::vector<std::string> frames_of(const Json& stack, const char* part);

// Pages of the stacks in which these functions (by what their names begin with) call each other, innermost
// first.
std::uint64_t pages_of(const Json& report, const std::vector<std::string>& chain);

// Pages of stacks in which a function's name holds this.
std::uint64_t pages_below(const Json& report, const std::string& part);

// Pages of stacks that reach the place where their thread began.
std::uint64_t whole_pages(const Json& report);
// They are 95 of 100.
void check_whole(const Json& report);

// What a program's line "counted … FUNCTION=BYTES …" says of its functions is what the stacks say, within 5 %
// of all.
void check_counted(const Json& report, const std::string& out);

}  // namespace memspike::test
