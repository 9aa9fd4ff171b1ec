// The packets of a trace, one after another, as a recording uses them.
#pragma once

#include <cstdint>
#include <protozero/pbf_writer.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "recording/value.h"

namespace memspike::recording {

// Three clocks at one instant tie a trace to the wall clock.
struct Clocks {
  std::uint64_t monotonic_ns = 0;
  std::uint64_t realtime_ns = 0;
  std::uint64_t boottime_ns = 0;
};

class Packets {
 public:
  explicit Packets(std::uint32_t sequence_id) : sequence_id_(sequence_id) {}

  // Must come first, in this order.
  void add_clocks(const Clocks& clocks);
  void add_defaults();

  void add_track(std::uint64_t uuid, std::uint64_t parent_uuid, std::string_view name,
                 bool is_counter = false);
  void add_counter(std::uint64_t time_ns, std::uint64_t track, std::int64_t value,
                   std::uint64_t category_iid = 0);

  struct Event {
    std::uint64_t time_ns = 0;
    std::uint64_t track = 0;
    std::uint32_t type = 0;
    std::string_view category = {};
    std::string_view name = {};
    Dict arguments = {};
    std::vector<std::uint64_t> flows = {};  // events of one flow are joined by arrows, in order of time
  };
  void add_event(const Event& event);

  const std::string& bytes() const { return bytes_; }
  void clear() { bytes_.clear(); }

 private:
  template <class Fill>
  void add(Fill&& fill);

  std::uint32_t sequence_id_;
  std::string bytes_;
  std::string packet_;  // scratch
};

}  // namespace memspike::recording
