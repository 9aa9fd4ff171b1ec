// From facts to a plan: which programs to load on this kernel.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "probe/features.h"

namespace memspike::probe {

// How much is watched: each has all that those before it have.
enum class Detail {
  sweep,    // no page and no charge: every counter now and then, reclaim, OOM kills, cgroups
  charges,  // every charge and uncharge
  pages,    // every page that is allocated
};
// automatic: for those who watch all the time. charges where the kernel lets charges be watched, else sweep.
enum class DetailChoice { automatic, sweep, charges, pages };

enum class Need {
  required,  // no recording without it
  optional,  // degrades by `loss`
};

struct Program {
  std::string_view name;    // in the BPF object
  std::string_view event;   // what it is attached to; empty: only run on request
  std::string_view attach;  // "tp_btf", "timer"
  Need need;
  std::string_view loss;         // what is missing without it
  Detail least = Detail::sweep;  // attached from this detail on
  bool only_with_high = false;   // attached once a memcg has memory.high set
};

// How the counter's moves are caught. Chosen by what works, never by a version.
enum class Tier {
  tracepoint,  // at the target's page events, and when its tasks leave their CPUs
  charge,      // in the kernel's charge functions themselves
};
enum class TierChoice { automatic, tracepoint, charge };

struct Plan {
  Tier tier = Tier::tracepoint;
  Detail detail = Detail::pages;
  std::string tier_reason;           // why not a better one; "" for the best
  std::vector<Program> programs;     // of all details, in the order in which they are attached
  std::vector<std::string> missing;  // what this kernel lacks, and what is not seen for that
};

// All programs that the features allow. ErrorKind::unsupported: the tier or the detail that was asked
// for is not to be had here.
Result<Plan> make_plan(const Features& features, TierChoice tier = TierChoice::automatic,
                       DetailChoice detail = DetailChoice::pages);

// Whether a tier has this detail: the tracepoint tier sees no charges.
bool has_detail(Tier tier, Detail detail);

std::string_view to_string(Tier tier);
std::string_view to_string(Detail detail);
// How moves are caught at this detail: "charge", "tracepoint" or "sweep".
std::string_view tier_name(Tier tier, Detail detail);

// What a recording of this detail cannot know, a line each.
std::vector<std::string_view> not_seen(Tier tier, Detail detail);

// Every program that any plan may name (the others are never loaded).
std::vector<std::string_view> all_program_names();

}  // namespace memspike::probe
