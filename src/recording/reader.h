// Reads recordings back: bytes of a Perfetto trace in, facts out. The bytes are not trusted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <protozero/pbf_reader.hpp>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "base/result.h"
#include "facts/fact.h"

namespace memspike::recording {

class Reader {
 public:
  // Facts in the order in which they were told. `recording` counts from 0: several that were concatenated
  // follow each other.
  using Take = std::function<void(std::size_t recording, const facts::Fact& fact)>;

  explicit Reader(Take take) : take_(std::move(take)) {}

  // The next bytes, in pieces of any size. ErrorKind::failed when this is no trace, or one that
  // would need unreasonable memory; a damaged end is no error, see finish().
  Result<void> feed(std::string_view bytes);

  // No more bytes. What is incomplete is named by a note, and closed. ErrorKind::failed when
  // there was no recording of ours.
  Result<void> finish();

 private:
  // A memcg's counters, as its next row will have them.
  struct Memcg {
    std::uint64_t watermark_bytes = 0;
    std::optional<std::uint64_t> limit_bytes;
    std::optional<std::int64_t> headroom_bytes;  // of the next row only
    std::uint64_t last_row_ns = 0;
    std::uint32_t rows_at_once = 0;  // at that time
  };
  // One trace writer's packets, that is, one recording.
  struct Sequence {
    std::size_t recording = 0;
    bool ours = false;
    bool ended = false;
    std::uint64_t uuid_base = 0;
    std::uint64_t last_ns = 0;
    std::map<facts::MemcgIndex, Memcg> memcgs;  // those that live
  };
  struct Packet;
  struct Event;

  Result<void> take_messages();
  void read_packet(std::string_view bytes, bool is_nested);
  void read_compressed(std::string_view bytes);
  void read_event(Sequence& sequence, const Packet& packet);
  void read_counter(Sequence& sequence, const Packet& packet, const Event& event);
  template <class F>
  bool load_if_named(Sequence& sequence, const Packet& packet, const Event& event);
  template <class... F>
  void load_by_name(std::type_identity<std::variant<F...>> kinds, Sequence& sequence, const Packet& packet,
                    const Event& event);
  void read_fact(Sequence& sequence, const Packet& packet, const Event& event);
  void emit_row(Sequence& sequence, facts::MemcgIndex index, const Packet& packet, const Event& event);
  template <class F>
  void load_fact(Sequence& sequence, const Packet& packet, const Event& event);
  template <class F>
  void count_memcg(Sequence& sequence, const F& fact);
  void close(Sequence& sequence);

  Take take_;
  std::string buffer_;    // bytes of a message that is not complete
  std::string inflated_;  // scratch
  std::uint64_t offset_ = 0;
  std::string damage_;  // why reading stopped; "": it did not
  std::map<std::uint32_t, Sequence> sequences_;
  std::string excess_;  // of what there is more than any recording of ours has; "": of nothing
  std::size_t recordings_ = 0;
  std::size_t living_memcgs_ = 0;     // over all recordings
  std::uint64_t packed_bytes_ = 0;    // of all compressed blocks
  std::uint64_t inflated_bytes_ = 0;  // what became of them
};

}  // namespace memspike::recording
