// The timeline as CSV, while it is recorded, to an output that may be too slow for it.
#pragma once

#include <cstdint>
#include <string>

#include "cli/background_output.h"
#include "facts/sink.h"
#include "lives/timeline_rows.h"
#include "timeline/track.h"
#include "views/csv/csv.h"

namespace memspike::cli {

class CsvStream final : public facts::FactSink {
 public:
  // The output outlives it.
  explicit CsvStream(BackgroundOutput& output);

  void apply(const facts::Fact& fact) override { rows_.apply(fact); }
  void row(const std::string& path, const timeline::Row& row);

  // Where rows were left out, a row says so as soon as there is room for it.
  void tick(std::uint64_t now_ns) override;

  // Hands over what is buffered.
  void flush(std::uint64_t now_ns);

  // For which there was no room, or no output any more.
  std::uint64_t lost_rows() const { return lost_rows_; }

  BackgroundOutput& output() { return output_; }

 private:
  Result<void> take(std::string_view rows);

  BackgroundOutput& output_;
  std::uint64_t lost_rows_ = 0;
  std::uint64_t told_rows_ = 0;  // of those, by a row
  views::CsvWriter writer_;
  lives::TimelineRows rows_;
};

}  // namespace memspike::cli
