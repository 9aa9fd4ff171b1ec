// The last rise of a timeline: how fast usage went to where it was stopped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "timeline/recent.h"

namespace memspike::timeline {

struct Rise {
  UsageAt baseline;  // where usage left what it had stood at
  UsageAt crest;     // where the rise ended: at the limit, if a limit stopped it
};

// The last rise in the rows (in order of time), or nothing where there is none of at least
// min_rise_bytes. Read backwards from the end:
//
//  - usage turns where it moved by at least `turn`: a quarter of the range of all rows, and
//    min_rise_bytes at least. What wavers by less is no turn, neither at the top, where reclaim
//    and charges alternate, nor at the floor;
//  - the top is the highest row before the first turn downwards (the first of equals), the floor is the
//    lowest row before the next turn upwards (again the first of equals): a left base as topographic
//    prominence has it, but within the rows that are there;
//  - the baseline is a row of the lowest tenth between floor and top: the last one that lies farthest
//    below the straight line from floor to crest, which is the corner where usage leaves its floor. The first
//    move from there is what counts, if it lies within the tenth, too: nobody may have looked for long;
//  - the crest is a row of the highest tenth: the first that lies farthest above the straight line from
//    baseline (first, to find that: from the floor) to top, which is the corner where usage arrives;
//  - a corner lies off the line by a twentieth of the height at least; else it is floor or top itself.
//
// So neither a long quiet floor nor a long stay at the limit counts as part of the rise; both ends
// are real rows, and at most a tenth of the height away from floor and top.
std::optional<Rise> final_rise(const std::vector<UsageAt>& rows, std::uint64_t min_rise_bytes);

// The corners of the rise from one row to a later, higher one, by the same rules, but for the first move: the
// baseline is the row before that.
Rise corners(const std::vector<UsageAt>& rows, std::size_t floor, std::size_t top);

// From baseline to crest; nothing where that took no time at all.
std::optional<std::uint64_t> slope_bytes_per_second(const Rise& rise);

}  // namespace memspike::timeline
