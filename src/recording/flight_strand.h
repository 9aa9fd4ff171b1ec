// What the flight recorder keeps of one memcg: a ring of blocks, each of which can be read by itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "facts/code_table.h"
#include "facts/fact.h"
#include "recording/writer.h"

namespace memspike::recording {

// A recording of its own, of one memcg for some time: clocks, session, the memcg and how it stood, then what
// happened. Never changed once it is made: any thread may read it.
struct FlightBlock {
  std::uint64_t first_ns = 0;
  std::uint64_t last_ns = 0;
  std::size_t preamble_facts = 0;  // that say again what the blocks before have told
  std::size_t recording_bytes = 0;
  std::string bytes;  // that recording, compressed by zstd: a quarter of the time that zlib takes
};

using FlightBlocks = std::vector<std::shared_ptr<const FlightBlock>>;

class FlightStrand {
 public:
  static constexpr std::size_t kBlockBytes = 32U << 10;  // before it is compressed to some fifth

  explicit FlightStrand(const facts::MemcgFound& found) : found_(found) {}

  // The next fact of this memcg, whose index in the strand is 0: see found() for its real one. `clocks`: at
  // any moment of the session.
  void write(const facts::Fact& fact, std::uint64_t time_ns, const Clocks& clocks);

  // Who charged: told once in each block.
  bool has_told(std::uint32_t tid) const { return told_.count(tid) > 0; }
  void tell(const facts::ThreadSeen& thread, const Clocks& clocks);

  // From where it was charged: of the code that it names each place is told once in each block.
  void tell(const facts::StackSeen& stack, const facts::CodeNamed& code, std::uint64_t time_ns,
            const Clocks& clocks);

  void rename(const facts::Description& description) { found_.description = description; }

  // Closes the open block, so that all is in blocks().
  void seal();
  const std::deque<std::shared_ptr<const FlightBlock>>& blocks() const { return blocks_; }
  void drop_oldest();

  std::size_t bytes() const;
  std::uint64_t last_ns() const { return last_ns_; }
  std::uint64_t open_since_ns() const { return writer_ ? block_.first_ns : 0; }
  const facts::MemcgFound& found() const { return found_; }

 private:
  void open(std::uint64_t time_ns, const Clocks& clocks);
  void put(const facts::Fact& fact);

  facts::MemcgFound found_;
  std::optional<facts::MemcgRow> last_row_;
  std::optional<facts::HighSet> last_high_;
  std::optional<facts::MemoryStatRead> last_reading_;
  std::uint64_t last_ns_ = 0;
  FlightBlock block_;               // the open one …
  std::unique_ptr<Writer> writer_;  // … and who writes it; nullptr: none is open
  std::unordered_set<std::uint32_t> told_;
  facts::CodeTable code_;  // told in it
  std::deque<std::shared_ptr<const FlightBlock>> blocks_;
  std::size_t sealed_bytes_ = 0;
};

// The facts of a block in their order, its preamble included. False: it cannot be read.
using TakeFact = std::function<void(const facts::Fact& fact)>;
bool read_block(const FlightBlock& block, const TakeFact& take);

}  // namespace memspike::recording
