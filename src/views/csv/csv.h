// The timeline as CSV, streamed: one row a point, in the order of the calls.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "timeline/track.h"
#include "views/kit/buffer.h"

namespace memspike::views {

using timeline::Mark;

class CsvWriter {
 public:
  // Writes the header at once (into the buffer).
  explicit CsvWriter(Sink sink);

  // time_ns: CLOCK_MONOTONIC. path: untrusted bytes, escaped here. limit_bytes:
  // the memcg's own limit at that moment; an empty field when there is none.
  void row(std::uint64_t time_ns, std::string_view path, std::uint64_t usage_bytes,
           std::uint64_t watermark_bytes, std::optional<std::uint64_t> limit_bytes,
           Mark mark = Mark::sampled);

  // A row that stands for others, before it: they were left out. It has a time, no memcg, no numbers, and the
  // mark "lost:N".
  void gap(std::uint64_t time_ns, std::uint64_t rows);

  // True once the sink refused: rows go nowhere from then on.
  bool failed() const { return buffer_.failed(); }

  // Writes what is buffered. The sink's first error, if there was one.
  Result<void> flush() { return buffer_.flush(); }

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  const std::string& escaped(std::string_view path);

  Buffer buffer_;
  std::unordered_map<std::string, std::string, Hash, std::equal_to<>> escaped_;
};

}  // namespace memspike::views
