// From facts to a plan: which programs to load on this kernel.
#pragma once

#include <string>
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

// How the counter's moves are caught. Chosen by what works, never by a version.
enum class Tier {
  tracepoint,  // at the target's page events, and when its tasks leave their CPUs
  charge,      // in the kernel's charge functions themselves
};
enum class TierChoice { automatic, tracepoint, charge };

struct Plan {
  Tier tier = Tier::tracepoint;
  std::string tier_reason;           // why not a better one; "" for the best
  std::vector<Program> programs;     // in the order in which they are attached
  std::vector<std::string> missing;  // what this kernel lacks, and what is not seen for that
};

// All programs that the features allow. ErrorKind::unsupported: the tier that was asked
// for is not to be had here.
Result<Plan> make_plan(const Features& features, TierChoice choice = TierChoice::automatic);

std::string_view to_string(Tier tier);

// Every program that any plan may name (the others are never loaded).
std::vector<std::string_view> all_program_names();

}  // namespace memspike::probe
