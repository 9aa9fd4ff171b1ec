#include "views/metrics/metric_writer.h"

#include <fmt/core.h>

#include "views/kit/escape.h"

namespace memspike::views {
namespace {

constexpr std::uint64_t kNsPerSecond = 1'000'000'000;

std::string_view name_of(MetricType type) {
  switch (type) {
    case MetricType::gauge:
      return "gauge";
    case MetricType::counter:
      return "counter";
    case MetricType::histogram:
      return "histogram";
  }
  return "untyped";
}

std::string_view name_of(MetricUnit unit) {
  switch (unit) {
    case MetricUnit::bytes:
      return "bytes";
    case MetricUnit::seconds:
      return "seconds";
    case MetricUnit::ratio:
      return "ratio";
    case MetricUnit::none:
      break;
  }
  return "";
}

// Exact: a double would not hold every nanosecond of an uptime.
std::string decimal(std::uint64_t value, MetricUnit unit) {
  if (unit != MetricUnit::seconds) return std::to_string(value);
  std::string text = fmt::format("{}.{:09}", value / kNsPerSecond, value % kNsPerSecond);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

// OpenMetrics wants a float even where it is whole.
std::string bound(std::uint64_t value, MetricUnit unit) {
  std::string text = decimal(value, unit);
  return text.find('.') == std::string::npos ? text + ".0" : text;
}

}  // namespace

void Labels::add(std::string_view name, std::string_view value) {
  if (!text_.empty()) text_ += ',';
  text_ += fmt::format("{}=\"", name);
  for (const char c : escape_terminal(value)) {
    if (c == '\\' || c == '"') text_ += '\\';
    text_ += c;
  }
  text_ += '"';
}

void MetricWriter::family(const Family& family) {
  family_ = family;
  started_ = false;
}

void MetricWriter::head() {
  if (started_) return;
  started_ = true;
  const bool has_total = family_.type == MetricType::counter && text_ == MetricText::prometheus;
  const std::string_view total = has_total ? "_total" : "";
  std::string& out = buffer_.text();
  out += fmt::format("# HELP {}{} {}\n", family_.name, total, family_.help);
  out += fmt::format("# TYPE {}{} {}\n", family_.name, total, name_of(family_.type));
  if (family_.unit == MetricUnit::none) return;
  out += fmt::format("# UNIT {} {}\n", family_.name, name_of(family_.unit));
}

void MetricWriter::line(std::string_view suffix, const std::string& labels, std::string_view value) {
  buffer_.text() += fmt::format("{}{}{{{}}} {}\n", family_.name, suffix, labels, value);
  buffer_.flush_if_full();
}

void MetricWriter::sample(const std::string& labels, std::uint64_t value) {
  head();
  line(family_.type == MetricType::counter ? "_total" : "", labels, decimal(value, family_.unit));
}

void MetricWriter::sample(const std::string& labels, const histogram::Histogram& histogram,
                          const std::vector<std::uint64_t>& bounds) {
  head();
  const std::string before = labels.empty() ? "" : labels + ",";
  const auto buckets = histogram.buckets();
  auto next = buckets.begin();
  std::uint64_t count = 0;
  for (const std::uint64_t high : bounds) {
    for (; next != buckets.end() && next->high <= high; ++next) count += next->count;
    line("_bucket", fmt::format("{}le=\"{}\"", before, bound(high, family_.unit)), std::to_string(count));
  }
  line("_bucket", before + "le=\"+Inf\"", std::to_string(histogram.count()));
  line("_sum", labels, decimal(histogram.sum(), family_.unit));
  line("_count", labels, std::to_string(histogram.count()));
}

void MetricWriter::sample(const std::string& labels, const std::vector<Bucket>& buckets, std::uint64_t count,
                          double sum) {
  head();
  const std::string before = labels.empty() ? "" : labels + ",";
  for (const Bucket& bucket : buckets) {
    line("_bucket", fmt::format("{}le=\"{}\"", before, bucket.bound), std::to_string(bucket.count));
  }
  line("_bucket", before + "le=\"+Inf\"", std::to_string(count));
  line("_sum", labels, fmt::format("{}", sum));
  line("_count", labels, std::to_string(count));
}

Result<void> MetricWriter::finish() {
  buffer_.put("# EOF\n");
  return buffer_.flush();
}

std::vector<std::uint64_t> bounds_of_powers(unsigned first, unsigned last, unsigned step) {
  std::vector<std::uint64_t> bounds;
  for (unsigned power = first; power <= last; power += step) {
    bounds.push_back((std::uint64_t{1} << power) - 1);
  }
  return bounds;
}

}  // namespace memspike::views
