#include "recording/packets.h"

#include "recording/annotations.h"
#include "recording/perfetto.h"
#include "recording/tracks.h"

namespace memspike::recording {
namespace packet = perfetto::packet;
namespace track_event = perfetto::track_event;

// Appends one packet: what `fill` writes, and whose it is.
template <class Fill>
void Packets::add(Fill&& fill) {
  packet_.clear();
  {
    protozero::pbf_writer writer(packet_);
    writer.add_uint32(packet::kSequenceId, sequence_id_);
    fill(writer);
  }
  protozero::pbf_writer(bytes_).add_message(perfetto::trace::kPacket, packet_);
}

void Packets::add_clocks(const Clocks& clocks) {
  namespace snapshot = perfetto::clock_snapshot;
  add([&](protozero::pbf_writer& writer) {
    writer.add_uint32(packet::kSequenceFlags, packet::kIncrementalStateCleared);
    protozero::pbf_writer message(writer, packet::kClockSnapshot);
    const auto add_clock = [&](std::uint32_t id, std::uint64_t time_ns) {
      protozero::pbf_writer clock(message, snapshot::kClock);
      clock.add_uint32(snapshot::clock::kId, id);
      clock.add_uint64(snapshot::clock::kTimestamp, time_ns);
    };
    add_clock(snapshot::kMonotonic, clocks.monotonic_ns);
    add_clock(snapshot::kRealtime, clocks.realtime_ns);
    add_clock(snapshot::kBoottime, clocks.boottime_ns);
    message.add_uint32(snapshot::kPrimaryClock, snapshot::kMonotonic);
  });
}

void Packets::add_defaults() {
  add([&](protozero::pbf_writer& writer) {
    writer.add_uint32(packet::kSequenceFlags, packet::kNeedsIncrementalState);
    {
      protozero::pbf_writer defaults(writer, packet::kDefaults);
      defaults.add_uint32(perfetto::defaults::kTimestampClockId, perfetto::clock_snapshot::kMonotonic);
    }
    protozero::pbf_writer interned(writer, packet::kInternedData);
    const auto add_category = [&](std::uint64_t iid, const char* name) {
      protozero::pbf_writer category(interned, perfetto::interned_data::kCategory);
      category.add_uint64(perfetto::interned_data::category::kIid, iid);
      category.add_string(perfetto::interned_data::category::kName, name);
    };
    add_category(kHeldIid, "held");
    add_category(kWatermarkIid, "watermark");
    add_category(kRefusedIid, "refused");
  });
}

void Packets::add_track(std::uint64_t uuid, std::uint64_t parent_uuid, std::string_view name,
                        bool is_counter) {
  namespace descriptor = perfetto::track_descriptor;
  add([&](protozero::pbf_writer& writer) {
    protozero::pbf_writer message(writer, packet::kTrackDescriptor);
    message.add_uint64(descriptor::kUuid, uuid);
    message.add_string(descriptor::kName, name.data(), name.size());
    if (parent_uuid != 0) message.add_uint64(descriptor::kParentUuid, parent_uuid);
    if (!is_counter) return;
    protozero::pbf_writer counter(message, descriptor::kCounter);
    counter.add_uint32(descriptor::counter::kUnit, descriptor::counter::kSizeBytes);
  });
}

void Packets::add_counter(std::uint64_t time_ns, std::uint64_t track, std::int64_t value,
                          std::uint64_t category_iid) {
  add([&](protozero::pbf_writer& writer) {
    writer.add_uint64(packet::kTimestamp, time_ns);
    writer.add_uint32(packet::kSequenceFlags, packet::kNeedsIncrementalState);
    protozero::pbf_writer event(writer, packet::kTrackEvent);
    event.add_uint32(track_event::kType, track_event::kCounter);
    event.add_uint64(track_event::kTrackUuid, track);
    if (category_iid != 0) event.add_uint64(track_event::kCategoryIid, category_iid);
    event.add_int64(track_event::kCounterValue, value);
  });
}

void Packets::add_event(const Event& event) {
  add([&](protozero::pbf_writer& writer) {
    writer.add_uint64(packet::kTimestamp, event.time_ns);
    writer.add_uint32(packet::kSequenceFlags, packet::kNeedsIncrementalState);
    protozero::pbf_writer message(writer, packet::kTrackEvent);
    message.add_uint32(track_event::kType, event.type);
    message.add_uint64(track_event::kTrackUuid, event.track);
    if (!event.category.empty()) {
      message.add_string(track_event::kCategory, event.category.data(), event.category.size());
    }
    if (!event.name.empty()) message.add_string(track_event::kName, event.name.data(), event.name.size());
    write_annotations(message, event.arguments);
    for (const std::uint64_t flow : event.flows) message.add_fixed64(track_event::kFlowIds, flow);
  });
}

}  // namespace memspike::recording
