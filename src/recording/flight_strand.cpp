#include "recording/flight_strand.h"

#include <zstd.h>

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "recording/reader.h"

namespace memspike::recording {
namespace {

// What a strand takes beside its blocks: itself, and what its writer knows of it.
constexpr std::size_t kOwnBytes = 2048;

// Nothing: it failed.
std::optional<std::string> packed(const std::string& bytes) {
  constexpr int kLevel = 1;
  std::string result(ZSTD_compressBound(bytes.size()), '\0');
  const std::size_t size = ZSTD_compress(result.data(), result.size(), bytes.data(), bytes.size(), kLevel);
  if (ZSTD_isError(size) != 0) return std::nullopt;
  result.resize(size);
  result.shrink_to_fit();
  return result;
}

std::optional<std::string> unpacked(const FlightBlock& block) {
  std::string result(block.recording_bytes, '\0');
  const std::size_t size =
      ZSTD_decompress(result.data(), result.size(), block.bytes.data(), block.bytes.size());
  return size == result.size() ? std::optional(std::move(result)) : std::nullopt;
}

}  // namespace

void FlightStrand::put(const facts::Fact& fact) {
  ++block_.preamble_facts;
  writer_->write(fact);
}

// So that it can be read by itself: who it is of, and how it stood.
void FlightStrand::open(std::uint64_t time_ns, const Clocks& clocks) {
  block_ = {time_ns, time_ns, 0, 0, {}};
  writer_ = std::make_unique<Writer>(
      [this](std::string_view bytes) -> Result<void> {
        block_.bytes += bytes;
        return {};
      },
      clocks, Writer::Packing::none);
  told_.clear();
  code_ = {};
  facts::SessionKnown session;
  session.time_ns = time_ns;
  session.session.start_monotonic_ns = clocks.monotonic_ns;
  session.session.start_realtime_ns = clocks.realtime_ns;
  put(session);
  facts::MemcgFound found = found_;
  found.memcg = 0;
  found.parent.reset();
  put(found);
  if (last_high_) put(*last_high_);
  if (last_reading_) put(*last_reading_);
  if (last_row_) put(*last_row_);
}

void FlightStrand::write(const facts::Fact& fact, std::uint64_t time_ns, const Clocks& clocks) {
  if (!writer_) open(time_ns, clocks);
  writer_->write(fact);
  block_.last_ns = last_ns_ = std::max(last_ns_, time_ns);
  if (const auto* row = std::get_if<facts::MemcgRow>(&fact)) last_row_ = *row;
  if (const auto* reading = std::get_if<facts::MemoryStatRead>(&fact)) last_reading_ = *reading;
  if (const auto* high = std::get_if<facts::HighSet>(&fact)) last_high_ = *high;
  if (writer_->pending_bytes() >= kBlockBytes) seal();
}

void FlightStrand::tell(const facts::ThreadSeen& thread, const Clocks& clocks) {
  write(thread, std::max(last_ns_, thread.time_ns), clocks);
  told_.insert(thread.thread.tid);
}

// In one block with the code that it names, which is why nothing is sealed in between.
void FlightStrand::tell(const facts::StackSeen& stack, const facts::CodeNamed& code, std::uint64_t time_ns,
                        const Clocks& clocks) {
  if (!writer_) open(time_ns, clocks);
  facts::StackSeen own = stack;
  own.memcg = 0;
  for (auto* frames : {&own.stack.kernel, &own.stack.user}) {
    std::erase_if(*frames, [&](std::uint32_t number) {
      return number >= code.frames.size() || code.frames[number].module >= code.modules.size();
    });
    for (std::uint32_t& number : *frames) {
      facts::Frame frame = code.frames[number];
      frame.module = code_.module(code.modules[frame.module]);
      number = code_.frame(std::move(frame));
    }
  }
  if (const facts::CodeNamed news = code_.take_news(); !news.frames.empty()) writer_->write(news);
  write(own, time_ns, clocks);
}

void FlightStrand::seal() {
  if (!writer_) return;
  const bool is_whole = writer_->flush().has_value();
  writer_.reset();
  code_ = {};
  auto bytes = is_whole ? packed(block_.bytes) : std::nullopt;
  if (!bytes) return;
  block_.recording_bytes = block_.bytes.size();
  block_.bytes = std::move(*bytes);
  sealed_bytes_ += block_.bytes.size() + sizeof(FlightBlock);
  blocks_.push_back(std::make_shared<const FlightBlock>(std::move(block_)));
  block_ = {};
}

void FlightStrand::drop_oldest() {
  sealed_bytes_ -= blocks_.front()->bytes.size() + sizeof(FlightBlock);
  blocks_.pop_front();
}

std::size_t FlightStrand::bytes() const {
  return kOwnBytes + sealed_bytes_ + block_.bytes.size() +
         (writer_ ? writer_->pending_bytes() + code_.bytes() : 0);
}

bool read_block(const FlightBlock& block, const TakeFact& take) {
  const auto bytes = unpacked(block);
  Reader reader([&](std::size_t, const facts::Fact& fact) { take(fact); });
  return bytes && reader.feed(*bytes).has_value();
}

}  // namespace memspike::recording
