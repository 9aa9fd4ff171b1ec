// A timeline in few bytes, exact: what page/timeline.js unpacks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "timeline/series.h"
#include "views/kit/sink.h"

namespace memspike::views::html {

// The id of the element that holds the rows of a subject's life.
std::string timeline_id(std::size_t subject, std::size_t life);

// The largest power of two that divides each usage: a page, as a rule.
std::uint64_t unit_bytes(const timeline::Series& rows);

// Streams base64 of two LEB128 numbers a row: the time since the row before (0 for the first, and
// for a time that runs backwards) in ns, and the zigzag difference of usage in units (the first one's
// from 0). About 5 bytes a row before base64.
Result<void> write_base64(const timeline::Series& rows, const Sink& sink);

}  // namespace memspike::views::html
