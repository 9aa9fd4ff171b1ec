// Every message and field of Perfetto's trace format that we write or read, on one page.
// Source: protos/perfetto/trace/ of the Perfetto project (trace_packet.proto, track_event/*.proto,
// clock_snapshot.proto, builtin_clock.proto). Numbers there never change.
#pragma once

#include <cstdint>
#include <protozero/types.hpp>

namespace memspike::recording::perfetto {

using Tag = protozero::pbf_tag_type;

namespace trace {
inline constexpr Tag kPacket = 1;
}

namespace packet {
inline constexpr Tag kClockSnapshot = 6;
inline constexpr Tag kTimestamp = 8;
inline constexpr Tag kSequenceId = 10;  // trusted_packet_sequence_id
inline constexpr Tag kTrackEvent = 11;
inline constexpr Tag kInternedData = 12;
inline constexpr Tag kSequenceFlags = 13;
inline constexpr Tag kCompressedPackets = 50;  // zlib of a Trace
inline constexpr Tag kDefaults = 59;           // trace_packet_defaults
inline constexpr Tag kTrackDescriptor = 60;

// sequence_flags
inline constexpr std::uint32_t kIncrementalStateCleared = 1;
inline constexpr std::uint32_t kNeedsIncrementalState = 2;
}  // namespace packet

namespace defaults {
inline constexpr Tag kTimestampClockId = 58;
}

namespace clock_snapshot {
inline constexpr Tag kClock = 1;
inline constexpr Tag kPrimaryClock = 2;
namespace clock {
inline constexpr Tag kId = 1;
inline constexpr Tag kTimestamp = 2;
}  // namespace clock
inline constexpr std::uint32_t kRealtime = 1;   // BUILTIN_CLOCK_REALTIME
inline constexpr std::uint32_t kMonotonic = 3;  // BUILTIN_CLOCK_MONOTONIC
inline constexpr std::uint32_t kBoottime = 6;   // BUILTIN_CLOCK_BOOTTIME, the default of all traces
}  // namespace clock_snapshot

namespace track_descriptor {
inline constexpr Tag kUuid = 1;
inline constexpr Tag kName = 2;
inline constexpr Tag kParentUuid = 5;
inline constexpr Tag kCounter = 8;
namespace counter {
inline constexpr Tag kUnit = 3;
inline constexpr std::uint32_t kSizeBytes = 3;
}  // namespace counter
}  // namespace track_descriptor

namespace track_event {
inline constexpr Tag kCategoryIid = 3;
inline constexpr Tag kDebugAnnotation = 4;
inline constexpr Tag kType = 9;
inline constexpr Tag kTrackUuid = 11;
inline constexpr Tag kCategory = 22;
inline constexpr Tag kName = 23;
inline constexpr Tag kCounterValue = 30;
inline constexpr Tag kFlowIds = 47;

inline constexpr std::uint32_t kSliceBegin = 1;
inline constexpr std::uint32_t kSliceEnd = 2;
inline constexpr std::uint32_t kInstant = 3;
inline constexpr std::uint32_t kCounter = 4;
}  // namespace track_event

namespace interned_data {
inline constexpr Tag kCategory = 1;
namespace category {
inline constexpr Tag kIid = 1;
inline constexpr Tag kName = 2;
}  // namespace category
}  // namespace interned_data

namespace debug_annotation {
inline constexpr Tag kBool = 2;
inline constexpr Tag kUint = 3;
inline constexpr Tag kInt = 4;
inline constexpr Tag kString = 6;
inline constexpr Tag kName = 10;
inline constexpr Tag kDictEntry = 11;
inline constexpr Tag kArrayValue = 12;
}  // namespace debug_annotation

}  // namespace memspike::recording::perfetto
