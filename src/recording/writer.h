// A recording in the making: facts in, a Perfetto trace out, in pieces that can be read by
// themselves. What was written stays readable whatever happens later.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "facts/fact.h"
#include "recording/lanes.h"
#include "recording/packets.h"
#include "recording/tracks.h"
#include "spike/spike.h"

namespace memspike::recording {

class Writer {
 public:
  // Takes whole Trace packets, to be appended.
  using Sink = std::function<Result<void>(std::string_view bytes)>;

  using Clocks = recording::Clocks;
  // How the packets are handed over: compressed as readers of such traces know it, or as they are, for who
  // compresses them otherwise.
  enum class Packing { zlib, none };

  Writer(Sink sink, const Clocks& clocks, Packing packing = Packing::zlib);

  // Facts in the order in which they are told.
  void write(const facts::Fact& fact);

  // Compresses and hands over what was written since. Call it about once a second; it is done
  // by itself when enough has come together.
  Result<void> flush();

  // What waits to be compressed.
  std::size_t pending_bytes() const { return packets_.bytes().size(); }

  // The sink refused, and nothing is written any more.
  bool failed() const { return !error_.has_value(); }

 private:
  struct Kill {
    std::uint64_t time_ns = 0;
    std::uint64_t flow = 0;
  };
  // What the tracks of a memcg show.
  struct Memcg {
    std::int64_t watermark_bytes = kNone;
    std::int64_t limit_bytes = kNone;
    bool is_alive = false;
    Lanes spikes;
    Lanes bursts;
    std::pair<std::uint64_t, std::uint64_t> last_spike_ns;  // begin and end of its slice
    Lanes stalls;
    std::deque<Kill> kills;  // the latest
  };

  Memcg& at(facts::MemcgIndex memcg) { return memcgs_[memcg]; }
  std::uint64_t track(facts::MemcgIndex memcg, Track which) const {
    return track_uuid(uuid_base_, memcg, which);
  }
  std::uint64_t session() const { return session_uuid(uuid_base_); }
  void handle(const facts::MemcgRow& fact);
  void handle(const facts::MemcgFound& fact);
  void handle(const facts::MemcgGone& fact);
  void handle(const facts::ProcessKilled& fact);
  void handle(const facts::TaskStalled& fact);
  void handle(const facts::LimitHit& fact);
  void handle(const facts::MovesThinned& fact);
  void handle(const facts::BurstFound& fact);
  void handle(const facts::SpikeFound& fact);
  void handle(const facts::MemcgCharged& fact);
  void handle(const facts::InactiveFileRead& fact);
  void handle(const facts::MemoryStatRead& fact);
  void handle(const facts::SessionKnown& fact);
  void handle(const facts::RecordingEnded& fact);
  template <class F>
  void handle(const F& fact);
  void add_tracks(const facts::MemcgFound& fact);
  void end_life(facts::MemcgIndex memcg, std::uint64_t time_ns);
  std::vector<std::uint64_t> flows_of_kills(facts::MemcgIndex memcg, std::uint64_t from_ns,
                                            std::uint64_t to_ns);
  void add_slice(Lanes& lanes, facts::MemcgIndex memcg, std::string_view lane_name, Packets::Event begin,
                 std::uint64_t end_ns);
  template <class F>
  void add_fact(std::uint64_t time_ns, std::uint64_t track, const F& fact,
                std::vector<std::uint64_t> flows = {});
  void flush_full_block();
  Result<void> write_block();

  Sink sink_;
  Packing packing_;
  std::uint64_t uuid_base_;
  std::uint64_t last_ns_;
  Packets packets_;         // that wait to be compressed
  std::string compressed_;  // scratch
  std::uint64_t next_lane_ = 0;
  std::uint64_t next_flow_;
  std::unordered_map<facts::MemcgIndex, Memcg> memcgs_;  // none that is gone for long
  std::deque<facts::MemcgIndex> gone_;                   // the latest
  Result<void> error_;
};

}  // namespace memspike::recording
