// From facts to a plan: which programs to load on this kernel.
#pragma once

#include <string_view>
#include <vector>

#include "probe/features.h"

namespace memspike::probe {

enum class Need {
  required,  // no recording without it
  optional,  // degrades by `loss`
};

struct Program {
  std::string_view name;    // in the BPF object
  std::string_view event;   // what it is attached to; empty: only run on request
  std::string_view attach;  // "tp_btf", "timer"
  Need need;
  std::string_view loss;  // what is missing without it
};

// All programs that the features allow, in the order in which they are attached.
std::vector<Program> make_plan(const Features& features);

// Every program that any plan may name (the others are never loaded).
std::vector<std::string_view> all_program_names();

}  // namespace memspike::probe
