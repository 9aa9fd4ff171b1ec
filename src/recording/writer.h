// A recording in the making: facts in, a Perfetto trace out, in pieces that can be read by
// themselves. What was written stays readable whatever happens later.
#pragma once

#include <cstdint>
#include <functional>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "recording/tracks.h"
#include "report/fact.h"

namespace memspike::recording {

class Writer {
 public:
  // Takes whole Trace packets, to be appended.
  using Sink = std::function<Result<void>(std::string_view bytes)>;

  // The clocks at one instant tie the trace to the wall clock.
  struct Clocks {
    std::uint64_t monotonic_ns = 0;
    std::uint64_t realtime_ns = 0;
    std::uint64_t boottime_ns = 0;
  };
  Writer(Sink sink, const Clocks& clocks);

  // Facts in the order in which the builder takes them.
  void write(const report::Fact& fact);

  // Compresses and hands over what was written since. Call it about once a second; it is done
  // by itself when enough has come together.
  Result<void> flush();

  // The sink refused, and nothing is written any more.
  bool failed() const { return !error_.has_value(); }

 private:
  // What the counters of a memcg show.
  struct Memcg {
    std::int64_t watermark_bytes = kNone;
    std::int64_t limit_bytes = kNone;
  };

  void write_preamble(const Clocks& clocks);
  void write_row(const report::MemcgRow& fact);
  void write_rare(const report::Fact& fact);
  void write_counter(std::uint64_t time_ns, std::uint64_t track, std::int64_t value,
                     std::uint64_t category_iid = 0);
  void write_tracks(const report::MemcgFound& fact);
  void write_track(std::uint64_t uuid, std::uint64_t parent_uuid, std::string_view name, bool is_counter);
  void write_slice_edge(std::uint64_t time_ns, std::uint64_t track, std::uint32_t type,
                        std::string_view name);
  template <class F>
  void write_event(std::uint64_t time_ns, std::uint64_t track, const F& fact);
  template <class Fill>
  void add_packet(Fill&& fill);
  Result<void> write_block();

  Sink sink_;
  std::uint32_t sequence_id_;
  std::uint64_t uuid_base_;
  std::uint64_t last_ns_;
  std::string block_;       // packets that wait to be compressed
  std::string packet_;      // scratch
  std::string compressed_;  // scratch
  std::vector<Memcg> memcgs_;
  Result<void> error_;
};

}  // namespace memspike::recording
