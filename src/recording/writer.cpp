#include "recording/writer.h"

#include <zlib.h>

#include <algorithm>
#include <type_traits>

#include "recording/annotations.h"
#include "recording/archive.h"
#include "recording/perfetto.h"
#include "recording/tracks.h"
#include "recording/utf8.h"

namespace memspike::recording {
namespace {

namespace packet = perfetto::packet;
namespace track_event = perfetto::track_event;

// Large enough to compress well, small enough that a reader needs little memory.
constexpr std::size_t kBlockBytes = 256U << 10;

// Level 1: half the time of the default for a tenth more bytes.
constexpr int kCompressionLevel = 1;

// splitmix64: two recordings that are concatenated must not share track ids.
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

std::int64_t or_none(const std::optional<std::uint64_t>& value) {
  return value ? static_cast<std::int64_t>(*value) : kNone;
}

// The headroom that follows from the memcg's own limit: only another one is worth a counter.
std::int64_t own_headroom(const timeline::Row& row) {
  if (!row.limit_bytes) return kNone;
  return static_cast<std::int64_t>(*row.limit_bytes > row.usage_bytes ? *row.limit_bytes - row.usage_bytes
                                                                      : 0);
}

std::uint64_t category_of(timeline::Mark mark) {
  switch (mark) {
    case timeline::Mark::held:
      return kHeldIid;
    case timeline::Mark::watermark:
      return kWatermarkIid;
    case timeline::Mark::sampled:
      break;
  }
  return 0;
}

}  // namespace

Writer::Writer(Sink sink, const Clocks& clocks)
    : sink_(std::move(sink)),
      sequence_id_(static_cast<std::uint32_t>(mix(clocks.realtime_ns) | 1)),
      uuid_base_(mix(clocks.realtime_ns + 1)),
      last_ns_(clocks.monotonic_ns) {
  write_preamble(clocks);
}

// Appends one packet to the block: what `fill` writes, and whose it is.
template <class Fill>
void Writer::add_packet(Fill&& fill) {
  packet_.clear();
  {
    protozero::pbf_writer writer(packet_);
    writer.add_uint32(packet::kSequenceId, sequence_id_);
    fill(writer);
  }
  protozero::pbf_writer(block_).add_message(perfetto::trace::kPacket, packet_);
}

void Writer::write_preamble(const Clocks& clocks) {
  namespace snapshot = perfetto::clock_snapshot;
  add_packet([&](protozero::pbf_writer& writer) {
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
  add_packet([&](protozero::pbf_writer& writer) {
    writer.add_uint32(packet::kSequenceFlags, packet::kNeedsIncrementalState);
    {
      protozero::pbf_writer defaults(writer, packet::kDefaults);
      defaults.add_uint32(perfetto::defaults::kTimestampClockId, snapshot::kMonotonic);
    }
    protozero::pbf_writer interned(writer, packet::kInternedData);
    const auto add_category = [&](std::uint64_t iid, const char* name) {
      protozero::pbf_writer category(interned, perfetto::interned_data::kCategory);
      category.add_uint64(perfetto::interned_data::category::kIid, iid);
      category.add_string(perfetto::interned_data::category::kName, name);
    };
    add_category(kHeldIid, "held");
    add_category(kWatermarkIid, "watermark");
  });
  write_track(session_uuid(uuid_base_), 0, "memspike", false);
}

void Writer::write_track(std::uint64_t uuid, std::uint64_t parent_uuid, std::string_view name,
                         bool is_counter) {
  namespace descriptor = perfetto::track_descriptor;
  add_packet([&](protozero::pbf_writer& writer) {
    protozero::pbf_writer message(writer, packet::kTrackDescriptor);
    message.add_uint64(descriptor::kUuid, uuid);
    message.add_string(descriptor::kName, name.data(), name.size());
    if (parent_uuid != 0) message.add_uint64(descriptor::kParentUuid, parent_uuid);
    if (!is_counter) return;
    protozero::pbf_writer counter(message, descriptor::kCounter);
    counter.add_uint32(descriptor::counter::kUnit, descriptor::counter::kSizeBytes);
  });
}

void Writer::write_tracks(const report::MemcgFound& fact) {
  const std::uint64_t life = track_uuid(uuid_base_, fact.memcg, kLifeTrack);
  std::string name = fact.path;
  if (fact.description.container && fact.description.container->name) {
    name = "container " + *fact.description.container->name + ", " + name;
  }
  write_track(life, 0, to_utf8(name), false);
  write_track(track_uuid(uuid_base_, fact.memcg, kUsageTrack), life, "usage", true);
  write_track(track_uuid(uuid_base_, fact.memcg, kWatermarkTrack), life, "watermark", true);
  write_track(track_uuid(uuid_base_, fact.memcg, kLimitTrack), life, "limit", true);
  write_track(track_uuid(uuid_base_, fact.memcg, kHeadroomTrack), life, "headroom up to the root", true);
}

void Writer::write_slice_edge(std::uint64_t time_ns, std::uint64_t track, std::uint32_t type,
                              std::string_view name) {
  add_packet([&](protozero::pbf_writer& writer) {
    writer.add_uint64(packet::kTimestamp, time_ns);
    writer.add_uint32(packet::kSequenceFlags, packet::kNeedsIncrementalState);
    protozero::pbf_writer event(writer, packet::kTrackEvent);
    event.add_uint32(track_event::kType, type);
    event.add_uint64(track_event::kTrackUuid, track);
    if (!name.empty()) event.add_string(track_event::kName, name.data(), name.size());
  });
}

template <class F>
void Writer::write_event(std::uint64_t time_ns, std::uint64_t track, const F& fact) {
  Saver saver;
  F copy = fact;  // a description serves both directions, and so wants to be able to change it
  describe(saver, copy);
  const Dict dict = saver.take();
  add_packet([&](protozero::pbf_writer& writer) {
    writer.add_uint64(packet::kTimestamp, time_ns);
    writer.add_uint32(packet::kSequenceFlags, packet::kNeedsIncrementalState);
    protozero::pbf_writer event(writer, packet::kTrackEvent);
    event.add_uint32(track_event::kType, track_event::kInstant);
    event.add_uint64(track_event::kTrackUuid, track);
    event.add_string(track_event::kCategory, "memspike");
    event.add_string(track_event::kName, event_name(fact));
    write_annotations(event, dict);
  });
}

void Writer::write_counter(std::uint64_t time_ns, std::uint64_t track, std::int64_t value,
                           std::uint64_t category_iid) {
  add_packet([&](protozero::pbf_writer& writer) {
    writer.add_uint64(packet::kTimestamp, time_ns);
    writer.add_uint32(packet::kSequenceFlags, packet::kNeedsIncrementalState);
    protozero::pbf_writer event(writer, packet::kTrackEvent);
    event.add_uint32(track_event::kType, track_event::kCounter);
    event.add_uint64(track_event::kTrackUuid, track);
    if (category_iid != 0) event.add_uint64(track_event::kCategoryIid, category_iid);
    event.add_int64(track_event::kCounterValue, value);
  });
}

// The usage comes last: it completes the row.
void Writer::write_row(const report::MemcgRow& fact) {
  if (memcgs_.size() <= fact.memcg) memcgs_.resize(fact.memcg + 1);
  Memcg& memcg = memcgs_[fact.memcg];
  const timeline::Row& row = fact.row;
  const auto uuid = [&](Track track) { return track_uuid(uuid_base_, fact.memcg, track); };
  const auto watermark = static_cast<std::int64_t>(row.watermark_bytes);
  if (std::exchange(memcg.watermark_bytes, watermark) != watermark) {
    write_counter(row.time_ns, uuid(kWatermarkTrack), watermark);
  }
  const std::int64_t limit = or_none(row.limit_bytes);
  if (std::exchange(memcg.limit_bytes, limit) != limit) write_counter(row.time_ns, uuid(kLimitTrack), limit);
  const std::int64_t headroom =
      row.headroom_bytes == decode::kNoHeadroom ? kNone : static_cast<std::int64_t>(row.headroom_bytes);
  if (headroom != own_headroom(row)) write_counter(row.time_ns, uuid(kHeadroomTrack), headroom);
  write_counter(row.time_ns, uuid(kUsageTrack), static_cast<std::int64_t>(row.usage_bytes),
                category_of(row.mark));
}

void Writer::write(const report::Fact& fact) {
  if (failed()) return;
  if (const auto* row = std::get_if<report::MemcgRow>(&fact)) {
    last_ns_ = std::max(last_ns_, row->row.time_ns);
    write_row(*row);
  } else {
    write_rare(fact);
  }
  if (block_.size() >= kBlockBytes) error_ = write_block();
}

void Writer::write_rare(const report::Fact& fact) {
  const auto life = [&](report::MemcgIndex memcg) { return track_uuid(uuid_base_, memcg, kLifeTrack); };
  const std::uint64_t session = session_uuid(uuid_base_);
  if (const auto* found = std::get_if<report::MemcgFound>(&fact)) {
    last_ns_ = std::max(last_ns_, found->time_ns);
    write_tracks(*found);
    write_slice_edge(found->time_ns, life(found->memcg), track_event::kSliceBegin, "alive");
    write_event(found->time_ns, life(found->memcg), *found);
  } else if (const auto* gone = std::get_if<report::MemcgGone>(&fact)) {
    write_event(gone->time_ns, life(gone->memcg), *gone);
    write_slice_edge(gone->time_ns, life(gone->memcg), track_event::kSliceEnd, {});
  } else if (const auto* killed = std::get_if<report::ProcessKilled>(&fact)) {
    write_event(killed->kill.time_ns, killed->memcgs.empty() ? session : life(killed->memcgs.front()),
                *killed);
  } else if (const auto* known = std::get_if<report::SessionKnown>(&fact)) {
    last_ns_ = std::max(last_ns_, known->time_ns);
    write_event(known->time_ns, session, *known);
  } else if (const auto* stalled = std::get_if<report::TaskStalled>(&fact)) {
    write_event(stalled->time_ns, life(stalled->memcg), *stalled);
  } else if (const auto* read = std::get_if<report::InactiveFileRead>(&fact)) {
    write_event(read->time_ns, life(read->memcg), *read);
  } else if (const auto* charged = std::get_if<report::MemcgCharged>(&fact)) {
    write_event(charged->time_ns, charged->memcgs.empty() ? session : life(charged->memcgs.front()),
                *charged);
  } else if (const auto* thread = std::get_if<report::ThreadSeen>(&fact)) {
    write_event(thread->time_ns, session, *thread);
  } else if (const auto* logged = std::get_if<report::KernelLogged>(&fact)) {
    write_event(logged->time_ns, session, *logged);
  } else if (const auto* ended = std::get_if<report::RecordingEnded>(&fact)) {
    write_event(ended->time_ns, session, *ended);
  } else {
    std::visit(
        [&](const auto& other) {
          if constexpr (!std::is_same_v<std::decay_t<decltype(other)>, report::MemcgRow>) {
            write_event(last_ns_, session, other);
          }
        },
        fact);
  }
}

// A Trace of one packet, whose only field is the zlib stream of the packets of the block.
Result<void> Writer::write_block() {
  if (block_.empty()) return {};
  uLongf size = compressBound(block_.size());
  compressed_.resize(size);
  if (compress2(reinterpret_cast<Bytef*>(compressed_.data()), &size,
                reinterpret_cast<const Bytef*>(block_.data()), block_.size(), kCompressionLevel) != Z_OK) {
    return fail(ErrorKind::failed, "cannot compress the recording");
  }
  compressed_.resize(size);
  packet_.clear();
  {
    protozero::pbf_writer trace(packet_);
    protozero::pbf_writer message(trace, perfetto::trace::kPacket);
    message.add_bytes(packet::kCompressedPackets, compressed_);
  }
  block_.clear();
  return sink_(packet_);
}

Result<void> Writer::flush() {
  if (!failed()) error_ = write_block();
  return error_;
}

}  // namespace memspike::recording
