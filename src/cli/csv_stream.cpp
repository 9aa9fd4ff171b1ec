#include "cli/csv_stream.h"

#include <algorithm>

namespace memspike::cli {

CsvStream::CsvStream(BackgroundOutput& output)
    : output_(output),
      writer_([this](std::string_view rows) { return take(rows); }),
      rows_({}, [this](const std::string& path, const timeline::Row& row) { this->row(path, row); }) {}

// Never an error: what comes later may find room again.
Result<void> CsvStream::take(std::string_view rows) {
  if (!output_.offer(rows))
    lost_rows_ += static_cast<std::uint64_t>(std::count(rows.begin(), rows.end(), '\n'));
  return {};
}

void CsvStream::row(const std::string& path, const timeline::Row& row) {
  writer_.row(row.time_ns, path, row.usage_bytes, row.watermark_bytes, row.limit_bytes, row.mark);
}

void CsvStream::tick(std::uint64_t now_ns) {
  if (lost_rows_ == told_rows_ || output_.failure() || !output_.is_half_empty()) return;
  writer_.gap(now_ns, lost_rows_ - told_rows_);
  told_rows_ = lost_rows_;
}

void CsvStream::flush(std::uint64_t now_ns) {
  static_cast<void>(writer_.flush());  // see take()
  tick(now_ns);
  static_cast<void>(writer_.flush());
}

}  // namespace memspike::cli
