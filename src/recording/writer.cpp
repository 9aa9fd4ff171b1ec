#include "recording/writer.h"

#include <zlib.h>

#include <algorithm>
#include <protozero/pbf_writer.hpp>
#include <utility>

#include "recording/archive.h"
#include "recording/perfetto.h"
#include "recording/tracks.h"
#include "recording/utf8.h"

namespace memspike::recording {
namespace {

namespace packet = perfetto::packet;
namespace track_event = perfetto::track_event;

// Marks the events that are facts.
constexpr std::string_view kFactCategory = "memspike";

constexpr std::string_view kLifeName = "alive";

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
  return static_cast<std::int64_t>(decode::room_below(*row.limit_bytes, row.usage_bytes));
}

std::uint64_t category_of(timeline::Mark mark) {
  switch (mark) {
    case timeline::Mark::held:
      return kHeldIid;
    case timeline::Mark::watermark:
      return kWatermarkIid;
    case timeline::Mark::refused:
      return kRefusedIid;
    case timeline::Mark::sampled:
      break;
  }
  return 0;
}

template <class F>
Dict arguments_of(const F& fact) {
  Saver saver;
  F copy = fact;  // a description serves both directions, and so wants to be able to change it
  describe(saver, copy);
  return saver.take();
}

const char* name_of(spike::Outcome outcome) {
  switch (outcome) {
    case spike::Outcome::oom_kill:
      return "OOM kill";
    case spike::Outcome::ongoing:
      return "ongoing";
    case spike::Outcome::removed:
      return "removed";
    case spike::Outcome::fell:
      break;
  }
  return "fell";
}

Dict arguments_of(const spike::Spike& spike) {
  Dict arguments = {{"peak_bytes", {spike.peak_bytes}},
                    {"height_bytes", {spike.prominence_bytes}},
                    {"peak_after_ns", {spike.peak_ns - spike.half_begin_ns}},
                    {"rise_ns", {spike.rise_ns}}};
  if (spike.headroom_bytes != spike::kNoHeadroom)
    arguments.push_back({"headroom_bytes", {spike.headroom_bytes}});
  arguments.push_back({"outcome", {std::string(name_of(spike.outcome))}});
  return arguments;
}

}  // namespace

Writer::Writer(Sink sink, const Clocks& clocks, Packing packing)
    : sink_(std::move(sink)),
      packing_(packing),
      uuid_base_(mix(clocks.realtime_ns + 1)),
      last_ns_(clocks.monotonic_ns),
      packets_(static_cast<std::uint32_t>(mix(clocks.realtime_ns) | 1)),
      next_flow_(mix(clocks.realtime_ns + 2)) {
  packets_.add_clocks(clocks);
  packets_.add_defaults();
  packets_.add_track(session(), 0, "memspike");
}

void Writer::add_tracks(const facts::MemcgFound& fact) {
  const std::uint64_t life = track(fact.memcg, kLifeTrack);
  std::string name = fact.path;
  if (fact.description.container && fact.description.container->name) {
    name = "container " + *fact.description.container->name + ", " + name;
  }
  packets_.add_track(life, 0, to_utf8(name));
  packets_.add_track(track(fact.memcg, kUsageTrack), life, "usage", true);
  packets_.add_track(track(fact.memcg, kWatermarkTrack), life, "watermark", true);
  packets_.add_track(track(fact.memcg, kLimitTrack), life, "limit", true);
  packets_.add_track(track(fact.memcg, kHeadroomTrack), life, "headroom up to the root", true);
}

template <class F>
void Writer::add_fact(std::uint64_t time_ns, std::uint64_t track, const F& fact,
                      std::vector<std::uint64_t> flows) {
  packets_.add_event({time_ns, track, track_event::kInstant, kFactCategory, event_name(fact),
                      arguments_of(fact), std::move(flows)});
}

// Both edges at once: a recording that is cut has a slice whole or not at all.
void Writer::add_slice(Lanes& lanes, facts::MemcgIndex memcg, std::string_view lane_name,
                       Packets::Event begin, std::uint64_t end_ns) {
  const Lanes::Place place = lanes.place(begin.time_ns, end_ns, next_lane_);
  begin.track = lane_uuid(uuid_base_, place.lane);
  begin.type = track_event::kSliceBegin;
  if (place.is_new) packets_.add_track(begin.track, track(memcg, kLifeTrack), lane_name);
  packets_.add_event(begin);
  packets_.add_event({end_ns, begin.track, track_event::kSliceEnd});
}

// The usage comes last: it completes the row.
void Writer::handle(const facts::MemcgRow& fact) {
  Memcg& memcg = at(fact.memcg);
  const timeline::Row& row = fact.row;
  last_ns_ = std::max(last_ns_, row.time_ns);
  const auto watermark = static_cast<std::int64_t>(row.watermark_bytes);
  if (std::exchange(memcg.watermark_bytes, watermark) != watermark) {
    packets_.add_counter(row.time_ns, track(fact.memcg, kWatermarkTrack), watermark);
  }
  const std::int64_t limit = or_none(row.limit_bytes);
  if (std::exchange(memcg.limit_bytes, limit) != limit) {
    packets_.add_counter(row.time_ns, track(fact.memcg, kLimitTrack), limit);
  }
  const std::int64_t headroom =
      row.headroom_bytes == decode::kNoHeadroom ? kNone : static_cast<std::int64_t>(row.headroom_bytes);
  if (headroom != own_headroom(row)) {
    packets_.add_counter(row.time_ns, track(fact.memcg, kHeadroomTrack), headroom);
  }
  packets_.add_counter(row.time_ns, track(fact.memcg, kUsageTrack),
                       static_cast<std::int64_t>(row.usage_bytes), category_of(row.mark));
}

void Writer::handle(const facts::MemcgFound& fact) {
  last_ns_ = std::max(last_ns_, fact.time_ns);
  at(fact.memcg).is_alive = true;
  add_tracks(fact);
  packets_.add_event({fact.time_ns, track(fact.memcg, kLifeTrack), track_event::kSliceBegin, {}, kLifeName});
  add_fact(fact.time_ns, track(fact.memcg, kLifeTrack), fact);
}

void Writer::end_life(facts::MemcgIndex memcg, std::uint64_t time_ns) {
  if (!std::exchange(at(memcg).is_alive, false)) return;
  packets_.add_event({time_ns, track(memcg, kLifeTrack), track_event::kSliceEnd});
}

void Writer::handle(const facts::MemcgGone& fact) {
  add_fact(fact.time_ns, track(fact.memcg, kLifeTrack), fact);
  end_life(fact.memcg, fact.time_ns);
  // Its last spikes are still to be drawn.
  constexpr std::size_t kGone = 64;
  gone_.push_back(fact.memcg);
  if (gone_.size() <= kGone) return;
  memcgs_.erase(gone_.front());
  gone_.pop_front();
}

// Each kill is a flow of its own, which the spike that it cut off joins once that is known.
void Writer::handle(const facts::ProcessKilled& fact) {
  constexpr std::size_t kKills = 64;
  if (fact.memcgs.empty()) return add_fact(fact.kill.time_ns, session(), fact);
  const facts::MemcgIndex own = fact.memcgs.front();
  auto& kills = at(own).kills;
  kills.push_back({fact.kill.time_ns, next_flow_++});
  if (kills.size() > kKills) kills.pop_front();
  add_fact(fact.kill.time_ns, track(own, kLifeTrack), fact, {kills.back().flow});
}

std::vector<std::uint64_t> Writer::flows_of_kills(facts::MemcgIndex memcg, std::uint64_t from_ns,
                                                  std::uint64_t to_ns) {
  std::vector<std::uint64_t> flows;
  for (const Kill& kill : at(memcg).kills) {
    if (kill.time_ns >= from_ns && kill.time_ns <= to_ns) flows.push_back(kill.flow);
  }
  return flows;
}

// As long as usage stood above half of it. Bursts lie within bursts, and come when they are over.
void Writer::handle(const facts::BurstFound& fact) {
  const spike::Burst& burst = fact.burst;
  const std::uint64_t end_ns = burst.half_begin_ns + burst.duration_ns;
  Packets::Event begin;
  begin.time_ns = burst.half_begin_ns;
  begin.category = kFactCategory;
  begin.name = event_name(fact);
  begin.arguments = arguments_of(fact);
  begin.arguments.push_back({"height_bytes", {burst.height_bytes()}});  // for who looks at it
  if (burst.outcome == spike::Outcome::oom_kill)
    begin.flows = flows_of_kills(fact.memcg, begin.time_ns, std::max(end_ns, burst.end_ns));
  add_slice(at(fact.memcg).bursts, fact.memcg, "bursts", std::move(begin), end_ns);
}

// For who looks at the trace: what it shows follows from the facts, and readers of facts pass it by.
void Writer::handle(const facts::SpikeFound& fact) {
  const spike::Spike& spike = fact.spike;
  const std::uint64_t end_ns = spike.half_begin_ns + spike.width_ns;
  // Equal tops of one spike have one width, and are confirmed one after the other.
  const std::pair slice(spike.half_begin_ns, end_ns);
  if (std::exchange(at(fact.memcg).last_spike_ns, slice) == slice) return;
  Packets::Event begin;
  begin.time_ns = spike.half_begin_ns;
  begin.name = "spike";
  begin.arguments = arguments_of(spike);
  if (spike.outcome == spike::Outcome::oom_kill) {
    // Usage falls while the victim exits: the kill may lie below half height of the slope that was seen.
    begin.flows = flows_of_kills(fact.memcg, begin.time_ns, std::max(end_ns, spike.right_base_ns));
  }
  add_slice(at(fact.memcg).spikes, fact.memcg, "spikes", std::move(begin), end_ns);
}

// Threads stall side by side.
void Writer::handle(const facts::TaskStalled& fact) {
  Packets::Event begin;
  begin.time_ns = fact.time_ns - std::min(fact.time_ns, fact.duration_ns);
  begin.category = kFactCategory;
  begin.name = event_name(fact);
  begin.arguments = arguments_of(fact);
  add_slice(at(fact.memcg).stalls, fact.memcg, "stalls", std::move(begin), fact.time_ns);
}

void Writer::handle(const facts::LimitHit& fact) {
  add_fact(fact.time_ns, track(fact.memcg, kLifeTrack), fact);
}

void Writer::handle(const facts::MovesThinned& fact) {
  add_fact(fact.time_ns, track(fact.memcg, kLifeTrack), fact);
}

void Writer::handle(const facts::MemcgCharged& fact) {
  add_fact(fact.time_ns, fact.memcgs.empty() ? session() : track(fact.memcgs.front(), kLifeTrack), fact);
}

void Writer::handle(const facts::InactiveFileRead& fact) {
  add_fact(fact.time_ns, track(fact.memcg, kLifeTrack), fact);
}

void Writer::handle(const facts::MemoryStatRead& fact) {
  add_fact(fact.time_ns, track(fact.memcg, kLifeTrack), fact);
}

void Writer::handle(const facts::SessionKnown& fact) {
  last_ns_ = std::max(last_ns_, fact.time_ns);
  add_fact(fact.time_ns, session(), fact);
}

void Writer::handle(const facts::RecordingEnded& fact) {
  std::vector<facts::MemcgIndex> all;
  for (const auto& [memcg, shown] : memcgs_) all.push_back(memcg);
  std::sort(all.begin(), all.end());
  for (const facts::MemcgIndex memcg : all) end_life(memcg, fact.time_ns);
  add_fact(fact.time_ns, session(), fact);
}

// All others belong to the session, now where they have no time of their own.
template <class F>
void Writer::handle(const F& fact) {
  std::uint64_t time_ns = last_ns_;
  if constexpr (requires { fact.time_ns; }) time_ns = fact.time_ns;
  add_fact(time_ns, session(), fact);
}

void Writer::write(const facts::Fact& fact) {
  if (failed()) return;
  std::visit([this](const auto& f) { handle(f); }, fact);
  flush_full_block();
}

void Writer::flush_full_block() {
  if (packets_.bytes().size() >= kBlockBytes) error_ = write_block();
}

// A Trace of one packet, whose only field is the zlib stream of the packets of the block.
Result<void> Writer::write_block() {
  const std::string& block = packets_.bytes();
  if (block.empty()) return {};
  if (packing_ == Packing::none) {
    Result<void> taken = sink_(block);
    packets_.clear();
    return taken;
  }
  uLongf size = compressBound(block.size());
  compressed_.resize(size);
  if (compress2(reinterpret_cast<Bytef*>(compressed_.data()), &size,
                reinterpret_cast<const Bytef*>(block.data()), block.size(), kCompressionLevel) != Z_OK) {
    return fail(ErrorKind::failed, "cannot compress the recording");
  }
  compressed_.resize(size);
  std::string trace_bytes;
  {
    protozero::pbf_writer trace(trace_bytes);
    protozero::pbf_writer message(trace, perfetto::trace::kPacket);
    message.add_bytes(packet::kCompressedPackets, compressed_);
  }
  packets_.clear();
  return sink_(trace_bytes);
}

Result<void> Writer::flush() {
  if (!failed()) error_ = write_block();
  return error_;
}

}  // namespace memspike::recording
