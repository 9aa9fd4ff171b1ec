// Writes metrics in the text format that openmetrics.h describes.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "histogram/histogram.h"
#include "views/kit/buffer.h"

namespace memspike::views {

// "name=\"value\",…" as it stands between the braces.
class Labels {
 public:
  // `name` is ours. The value may be anything: what is no text, or steers a terminal, becomes a visible
  // \xNN first.
  void add(std::string_view name, std::string_view value);
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

enum class MetricType { gauge, counter, histogram };

// What the numbers count. Times are nanoseconds here and seconds in the output.
enum class MetricUnit { none, bytes, seconds, ratio };

struct Family {
  std::string_view name;  // "memspike_spikes": without a counter's _total
  MetricType type = MetricType::gauge;
  MetricUnit unit = MetricUnit::none;
  std::string_view help;
};

// What reads it: see openmetrics.h for how the two differ.
enum class MetricText {
  prometheus,   // 0.0.4, as textfiles have it, too
  openmetrics,  // 1.0
};

// A bucket of a histogram that was counted elsewhere: how many lie at or below its bound.
struct Bucket {
  std::string_view label;  // le="0.5"
  std::uint64_t count = 0;
};

class MetricWriter {
 public:
  explicit MetricWriter(Sink sink, MetricText text = MetricText::prometheus)
      : buffer_(std::move(sink)), text_(text) {}

  // The family of the samples that follow. Without a sample nothing is written.
  void family(const Family& family);

  void sample(std::string_view labels, std::uint64_t value) { sample(labels, "", value); }
  // `more`: labels of this sample alone, behind those of its subject.
  void sample(std::string_view labels, std::string_view more, std::uint64_t value);
  // Bounds: upper bounds, both included and exact, ascending. The highest one, infinity, is added.
  void sample(std::string_view labels, const histogram::Histogram& histogram,
              const std::vector<std::uint64_t>& bounds);
  // `buckets`: without that of infinity.
  void sample(std::string_view labels, const std::vector<Bucket>& buckets, std::uint64_t count, double sum);

  // The sink's first error.
  Result<void> finish();

 private:
  void head();
  void line(std::string_view suffix, std::string_view labels, std::string_view more, std::string_view value);
  void line(std::string_view suffix, std::string_view labels, std::string_view more, std::uint64_t count);

  Buffer buffer_;
  MetricText text_;
  Family family_;
  bool started_ = false;
};

// Upper bounds at which histogram::Histogram's counts are exact: one less than a power of two is where a
// bucket of it ends. From 2^first - 1 to 2^last - 1, every `step` powers.
std::vector<std::uint64_t> bounds_of_powers(unsigned first, unsigned last, unsigned step = 1);

}  // namespace memspike::views
