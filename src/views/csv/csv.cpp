#include "views/csv/csv.h"

#include "views/kit/escape.h"

namespace memspike::views {
namespace {

// A pod whose containers restart for weeks brings a new path each time: start
// the cache over instead of growing with them.
constexpr std::size_t kMaxCachedPaths = 1024;

std::string_view to_text(Mark mark) {
  switch (mark) {
    case Mark::sampled:
      return "";
    case Mark::watermark:
      return "watermark";
    case Mark::held:
      return "held";
    case Mark::refused:
      return "refused";
  }
  return "";
}

}  // namespace

CsvWriter::CsvWriter(Sink sink) : buffer_(std::move(sink)) {
  buffer_.put("monotonic_ns,memcg,usage_bytes,watermark_bytes,limit_bytes,mark\n");
}

const std::string& CsvWriter::escaped(std::string_view path) {
  if (const auto known = escaped_.find(path); known != escaped_.end()) return known->second;
  if (escaped_.size() >= kMaxCachedPaths) escaped_.clear();
  return escaped_.emplace(path, escape_csv(path)).first->second;
}

void CsvWriter::row(std::uint64_t time_ns, std::string_view path, std::uint64_t usage_bytes,
                    std::uint64_t watermark_bytes, std::optional<std::uint64_t> limit_bytes, Mark mark) {
  buffer_.put_integer(time_ns);
  buffer_.put(',');
  buffer_.put(escaped(path));
  buffer_.put(',');
  buffer_.put_integer(usage_bytes);
  buffer_.put(',');
  buffer_.put_integer(watermark_bytes);
  buffer_.put(',');
  if (limit_bytes) buffer_.put_integer(*limit_bytes);
  buffer_.put(',');
  buffer_.put(to_text(mark));
  buffer_.put('\n');
  buffer_.flush_if_full();
}

void CsvWriter::gap(std::uint64_t time_ns, std::uint64_t rows) {
  buffer_.put_integer(time_ns);
  buffer_.put(",,,,,lost:");
  buffer_.put_integer(rows);
  buffer_.put('\n');
}

}  // namespace memspike::views
