#include "views/metrics/metric_writer.h"

#include <fmt/format.h>

#include "views/kit/escape.h"

namespace memspike::views {
namespace {

constexpr std::uint64_t kNsPerSecond = 1'000'000'000;
constexpr std::string_view kInfinity = "le=\"+Inf\"";

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
  if (unit != MetricUnit::seconds || value == 0) return std::to_string(value);
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

// A service writes a hundred thousand of these for a scrape: without a format string, and without a copy of
// its labels.
void MetricWriter::line(std::string_view suffix, std::string_view labels, std::string_view more,
                        std::string_view value) {
  std::string& out = buffer_.text();
  out.append(family_.name).append(suffix).append(1, '{').append(labels);
  if (!labels.empty() && !more.empty()) out += ',';
  out.append(more).append("} ").append(value).append(1, '\n');
  buffer_.flush_if_full();
}

void MetricWriter::line(std::string_view suffix, std::string_view labels, std::string_view more,
                        std::uint64_t count) {
  const fmt::format_int digits(count);
  line(suffix, labels, more, std::string_view(digits.data(), digits.size()));
}

void MetricWriter::sample(std::string_view labels, std::string_view more, std::uint64_t value) {
  head();
  const std::string_view total = family_.type == MetricType::counter ? "_total" : "";
  if (family_.unit == MetricUnit::seconds) return line(total, labels, more, decimal(value, family_.unit));
  line(total, labels, more, value);
}

void MetricWriter::sample(std::string_view labels, const histogram::Histogram& histogram,
                          const std::vector<std::uint64_t>& bounds) {
  head();
  const auto buckets = histogram.buckets();
  auto next = buckets.begin();
  std::uint64_t count = 0;
  for (const std::uint64_t high : bounds) {
    for (; next != buckets.end() && next->high <= high; ++next) count += next->count;
    line("_bucket", labels, fmt::format("le=\"{}\"", bound(high, family_.unit)), count);
  }
  line("_bucket", labels, kInfinity, histogram.count());
  line("_sum", labels, "", decimal(histogram.sum(), family_.unit));
  line("_count", labels, "", histogram.count());
}

void MetricWriter::sample(std::string_view labels, const std::vector<Bucket>& buckets, std::uint64_t count,
                          double sum) {
  head();
  for (const Bucket& bucket : buckets) line("_bucket", labels, bucket.label, bucket.count);
  line("_bucket", labels, kInfinity, count);
  line("_sum", labels, "", fmt::format("{}", sum));
  line("_count", labels, "", count);
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
