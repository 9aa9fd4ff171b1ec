// Named values as Perfetto's debug annotations, which its user interface shows as an event's
// arguments.
#pragma once

#include <protozero/pbf_reader.hpp>
#include <protozero/pbf_writer.hpp>
#include <utility>

#include "recording/value.h"

namespace memspike::recording {

// Adds one debug annotation an entry to a TrackEvent.
void write_annotations(protozero::pbf_writer& track_event, const Dict& dict);

// One debug annotation: its name and value. Throws protozero::exception on malformed bytes;
// nesting deeper than kMaxDepth is malformed.
inline constexpr int kMaxDepth = 16;
Member read_annotation(protozero::pbf_reader annotation, int depth = 0);

}  // namespace memspike::recording
