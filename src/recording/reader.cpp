#include "recording/reader.h"

#include <fmt/core.h>
#include <zlib.h>

#include <algorithm>
#include <protozero/varint.hpp>
#include <utility>

#include "recording/annotations.h"
#include "recording/archive.h"
#include "recording/perfetto.h"
#include "recording/tracks.h"

namespace memspike::recording {
namespace {

namespace packet = perfetto::packet;
namespace track_event = perfetto::track_event;

// Hostile files must not make us allocate: what we write is far below these.
constexpr std::size_t kMaxMessageBytes = 64U << 20;
constexpr std::size_t kMaxBlockBytes = 16U << 20;
constexpr std::size_t kMaxSequences = 4096;
constexpr std::size_t kMaxMemcgs = 1U << 22;  // numbers; what takes them keeps something of each
// Each costs a report's memory: of a memcg that lives some KiB, of a recording some MiB.
constexpr std::size_t kMaxLivingMemcgs = 65'536;  // as many as --max-memcgs allows
constexpr std::size_t kMaxRecordings = 256;
// Time is short, too: our blocks inflate to some ten times their size, a bomb's to a thousand times. And no
// counter is read so often at one moment.
constexpr std::uint64_t kMaxInflation = 100;
constexpr std::uint64_t kInflatedAnyway = 16U << 20;
constexpr std::uint32_t kMaxRowsAtOnce = 65'536;

protozero::data_view view(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
std::string_view view(const protozero::data_view& bytes) { return {bytes.data(), bytes.size()}; }

std::uint64_t to_unsigned(std::int64_t value) { return value < 0 ? 0 : static_cast<std::uint64_t>(value); }

}  // namespace

struct Reader::Packet {
  std::uint64_t time_ns = 0;
  std::uint32_t sequence_id = 0;
  std::uint32_t flags = 0;
  std::string_view event;
  std::string_view compressed;
  bool has_clocks = false;
};

struct Reader::Event {
  std::uint32_t type = 0;
  std::uint64_t track_uuid = 0;
  std::int64_t counter_value = 0;
  std::uint64_t category_iid = 0;
  bool is_memspike = false;
  std::string_view name;
  Dict annotations;
};

Result<void> Reader::feed(std::string_view bytes) {
  if (!damage_.empty()) return {};
  buffer_.append(bytes);
  return take_messages();
}

// Takes every whole message of the buffer: a tag, a length, that many bytes.
Result<void> Reader::take_messages() {
  const char* at = buffer_.data();
  const char* const end = at + buffer_.size();
  Result<void> result;
  try {
    while (at != end && damage_.empty()) {
      const char* next = at;
      const std::uint64_t tag = protozero::decode_varint(&next, end);
      const std::uint64_t length = protozero::decode_varint(&next, end);
      constexpr std::uint64_t kPacketTag = (perfetto::trace::kPacket << 3U) | 2U;
      if (tag != kPacketTag || length > kMaxMessageBytes) {
        if (recordings_ == 0)
          return fail(ErrorKind::failed, "this is not a recording of memspike (a Perfetto trace)");
        damage_ = fmt::format("what follows byte {} cannot be read", offset_);
        break;
      }
      if (static_cast<std::uint64_t>(end - next) < length) break;
      const auto whole = static_cast<std::uint64_t>(next - at) + length;
      try {
        read_packet({next, static_cast<std::size_t>(length)}, false);
      } catch (const protozero::exception&) {
        damage_ =
            fmt::format("the {} bytes at byte {} are damaged, and what follows is left out", whole, offset_);
      }
      at += whole;
      offset_ += whole;
      if (!excess_.empty()) return fail(ErrorKind::failed, "this recording will not be read: " + excess_);
    }
  } catch (const protozero::end_of_buffer_exception&) {
    // The tag or the length is not complete yet.
  } catch (const protozero::exception&) {
    damage_ = fmt::format("what follows byte {} cannot be read", offset_);
  }
  buffer_.erase(0, static_cast<std::size_t>(at - buffer_.data()));
  return result;
}

void Reader::read_packet(std::string_view bytes, bool is_nested) {
  Packet read;
  protozero::pbf_reader reader(view(bytes));
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case protozero::tag_and_type(packet::kTimestamp, protozero::pbf_wire_type::varint):
        read.time_ns = reader.get_uint64();
        break;
      case protozero::tag_and_type(packet::kSequenceId, protozero::pbf_wire_type::varint):
        read.sequence_id = reader.get_uint32();
        break;
      case protozero::tag_and_type(packet::kSequenceFlags, protozero::pbf_wire_type::varint):
        read.flags = reader.get_uint32();
        break;
      case protozero::tag_and_type(packet::kTrackEvent, protozero::pbf_wire_type::length_delimited):
        read.event = view(reader.get_view());
        break;
      case protozero::tag_and_type(packet::kCompressedPackets, protozero::pbf_wire_type::length_delimited):
        read.compressed = view(reader.get_view());
        break;
      case protozero::tag_and_type(packet::kClockSnapshot, protozero::pbf_wire_type::length_delimited):
        reader.skip();
        read.has_clocks = true;
        break;
      default:
        reader.skip();
    }
  }
  if (!read.compressed.empty() && !is_nested) return read_compressed(read.compressed);
  const auto known = sequences_.find(read.sequence_id);
  // A sequence that begins anew is another recording: the same file twice, say.
  if (read.has_clocks && (read.flags & packet::kIncrementalStateCleared) != 0 && known != sequences_.end()) {
    close(known->second);
    sequences_.erase(known);
  }
  if (read.event.empty()) return;
  if (known == sequences_.end() && sequences_.size() >= kMaxSequences)
    throw protozero::invalid_length_exception();
  read_event(sequences_[read.sequence_id], read);
}

void Reader::read_compressed(std::string_view bytes) {
  // Our blocks grow by no more than this; others' are bounded all the same.
  uLongf size = static_cast<uLongf>(std::min(kMaxBlockBytes, bytes.size() * 1100 + 1024));
  inflated_.resize(size);
  if (uncompress(reinterpret_cast<Bytef*>(inflated_.data()), &size,
                 reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()) != Z_OK) {
    throw protozero::invalid_length_exception();
  }
  packed_bytes_ += bytes.size();
  inflated_bytes_ += size;
  if (inflated_bytes_ > kInflatedAnyway + kMaxInflation * packed_bytes_) {
    excess_ = fmt::format("it inflates to more than {} times its size", kMaxInflation);
    return;
  }
  protozero::pbf_reader trace(inflated_.data(), size);
  while (excess_.empty() &&
         trace.next(perfetto::trace::kPacket, protozero::pbf_wire_type::length_delimited)) {
    read_packet(view(trace.get_view()), true);
  }
}

void Reader::read_event(Sequence& sequence, const Packet& packet) {
  Event event;
  protozero::pbf_reader reader(view(packet.event));
  while (reader.next()) {
    switch (reader.tag_and_type()) {
      case protozero::tag_and_type(track_event::kType, protozero::pbf_wire_type::varint):
        event.type = reader.get_uint32();
        break;
      case protozero::tag_and_type(track_event::kTrackUuid, protozero::pbf_wire_type::varint):
        event.track_uuid = reader.get_uint64();
        break;
      case protozero::tag_and_type(track_event::kCounterValue, protozero::pbf_wire_type::varint):
        event.counter_value = reader.get_int64();
        break;
      case protozero::tag_and_type(track_event::kCategoryIid, protozero::pbf_wire_type::varint):
        event.category_iid = reader.get_uint64();
        break;
      case protozero::tag_and_type(track_event::kCategory, protozero::pbf_wire_type::length_delimited):
        event.is_memspike = view(reader.get_view()) == "memspike";
        break;
      case protozero::tag_and_type(track_event::kName, protozero::pbf_wire_type::length_delimited):
        event.name = view(reader.get_view());
        break;
      case protozero::tag_and_type(track_event::kDebugAnnotation, protozero::pbf_wire_type::length_delimited):
        event.annotations.push_back(read_annotation(reader.get_message()));
        break;
      default:
        reader.skip();
    }
  }
  if (event.type == track_event::kCounter && sequence.ours) return read_counter(sequence, packet, event);
  const bool may_be_fact = event.type == track_event::kInstant || event.type == track_event::kSliceBegin;
  if (may_be_fact && event.is_memspike) read_fact(sequence, packet, event);
}

void Reader::read_counter(Sequence& sequence, const Packet& packet, const Event& event) {
  const std::uint64_t offset = event.track_uuid - sequence.uuid_base;
  const std::uint64_t memcg = offset / kTracksOfOne;
  const auto known = sequence.memcgs.find(static_cast<facts::MemcgIndex>(memcg));
  if (memcg >= kMaxMemcgs || known == sequence.memcgs.end()) return;
  Memcg& counters = known->second;
  switch (offset % kTracksOfOne) {
    case kUsageTrack:
      return emit_row(sequence, known->first, packet, event);
    case kWatermarkTrack:
      counters.watermark_bytes = to_unsigned(event.counter_value);
      break;
    case kLimitTrack:
      counters.limit_bytes.reset();
      if (event.counter_value != kNone) counters.limit_bytes = to_unsigned(event.counter_value);
      break;
    case kHeadroomTrack:
      counters.headroom_bytes = event.counter_value;
      break;
    default:
      break;
  }
}

void Reader::emit_row(Sequence& sequence, facts::MemcgIndex index, const Packet& packet, const Event& event) {
  Memcg& counters = sequence.memcgs[index];
  timeline::Row row;
  row.time_ns = std::max(counters.last_row_ns, packet.time_ns);
  counters.rows_at_once = row.time_ns == counters.last_row_ns ? counters.rows_at_once + 1 : 0;
  counters.last_row_ns = row.time_ns;
  if (counters.rows_at_once > kMaxRowsAtOnce) {
    excess_ = fmt::format("more than {} rows of one cgroup are at the same time", kMaxRowsAtOnce);
    return;
  }
  row.usage_bytes = to_unsigned(event.counter_value);
  row.watermark_bytes = counters.watermark_bytes;
  row.limit_bytes = counters.limit_bytes;
  if (const auto headroom = std::exchange(counters.headroom_bytes, std::nullopt)) {
    if (*headroom != kNone) row.headroom_bytes = to_unsigned(*headroom);
  } else if (row.limit_bytes) {
    row.headroom_bytes = decode::room_below(*row.limit_bytes, row.usage_bytes);
  }
  if (event.category_iid == kHeldIid) row.mark = timeline::Mark::held;
  if (event.category_iid == kWatermarkIid) row.mark = timeline::Mark::watermark;
  if (event.category_iid == kRefusedIid) row.mark = timeline::Mark::refused;
  sequence.last_ns = std::max(sequence.last_ns, row.time_ns);
  take_(sequence.recording, facts::MemcgRow{index, row});
}

template <class F>
void Reader::count_memcg(Sequence& sequence, const F& fact) {
  if constexpr (std::is_same_v<F, facts::MemcgFound>) {
    if (sequence.memcgs.try_emplace(fact.memcg).second) ++living_memcgs_;
    if (living_memcgs_ > kMaxLivingMemcgs) {
      excess_ = fmt::format("more than {} cgroups live in it at the same time", kMaxLivingMemcgs);
    }
  }
  if constexpr (std::is_same_v<F, facts::MemcgGone>) {
    living_memcgs_ -= sequence.memcgs.erase(fact.memcg);
  }
}

template <class F>
void Reader::load_fact(Sequence& sequence, const Packet& packet, const Event& event) {
  F fact;
  Loader loader(event.annotations);
  describe(loader, fact);
  if constexpr (requires { fact.time_ns; }) fact.time_ns = packet.time_ns;
  // A stall is a slice from its begin. (It was an instant at its end before there were such slices.)
  if constexpr (std::is_same_v<F, facts::TaskStalled>) {
    if (event.type == track_event::kSliceBegin) fact.time_ns += fact.duration_ns;
    sequence.last_ns = std::max(sequence.last_ns, fact.time_ns);
  }
  if constexpr (std::is_same_v<F, facts::ProcessKilled>) fact.kill.time_ns = packet.time_ns;
  if constexpr (std::is_same_v<F, facts::MemcgFound>) {
    if (fact.memcg >= kMaxMemcgs) return;
  }
  count_memcg(sequence, fact);
  if (!excess_.empty()) return;
  if constexpr (std::is_same_v<F, facts::RecordingEnded>) sequence.ended = true;
  take_(sequence.recording, fact);
}

// False: it is none of this kind. Rows and spikes, which are not read by a name, have none.
template <class F>
bool Reader::load_if_named(Sequence& sequence, const Packet& packet, const Event& event) {
  if constexpr (requires(const F& fact) { event_name(fact); }) {
    if (event.name != event_name(F{})) return false;
    load_fact<F>(sequence, packet, event);
    return true;
  } else {
    return false;
  }
}

template <class... F>
void Reader::load_by_name(std::type_identity<std::variant<F...>>, Sequence& sequence, const Packet& packet,
                          const Event& event) {
  static_cast<void>((load_if_named<F>(sequence, packet, event) || ...));
}

void Reader::read_fact(Sequence& sequence, const Packet& packet, const Event& event) {
  sequence.last_ns = std::max(sequence.last_ns, packet.time_ns);
  if (!sequence.ours) {
    if (event.name != event_name(facts::SessionKnown{})) return;
    if (recordings_ == kMaxRecordings) {
      excess_ = fmt::format("more than {} recordings are in one file", kMaxRecordings);
      return;
    }
    sequence.ours = true;
    sequence.recording = recordings_++;
    sequence.uuid_base = event.track_uuid + kTracksOfOne;
  }
  if (sequence.ended) return;
  load_by_name(std::type_identity<facts::Fact>{}, sequence, packet, event);
}

// A recording that did not come to its end: as far as it goes, and said so.
void Reader::close(Sequence& sequence) {
  if (!sequence.ours || sequence.ended) return;
  sequence.ended = true;
  const std::string why = damage_.empty() ? "" : "; " + damage_;
  take_(sequence.recording,
        facts::Noted{{},
                     "the recording was cut before its end: the kernel's own figures, page counts and losses "
                     "are not known" +
                         why,
                     true});
  take_(sequence.recording, facts::RecordingEnded{sequence.last_ns});
}

Result<void> Reader::finish() {
  if (damage_.empty() && !buffer_.empty()) {
    damage_ = fmt::format("the last {} bytes are incomplete", buffer_.size());
  }
  for (auto& [id, sequence] : sequences_) close(sequence);
  if (recordings_ == 0) return fail(ErrorKind::failed, "there is no recording of memspike in this file");
  return {};
}

}  // namespace memspike::recording
