#include "views/kit/bars.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/units.h"
#include "base/utf8.h"
#include "views/kit/grid.h"

namespace memspike::views {
namespace {

constexpr std::size_t kMaxBarColumns = 30;
constexpr std::ptrdiff_t kMinSkippedRows = 3;

// Percentiles are within 1 %; the buckets' middle stands for the bucket.
std::uint64_t middle(const histogram::Histogram::Bucket& bucket, const histogram::Histogram& histogram) {
  const std::uint64_t low = std::max(bucket.low, histogram.min());
  const std::uint64_t high = std::min(bucket.high, histogram.max());
  return high <= low ? low : low + (high - low) / 2;
}

struct Quantity {
  std::string number;
  std::string unit;
};

// A row's edge is a round number: print it without a trailing ".00".
Quantity edge(std::uint64_t value, Unit unit, const TextStyle& style) {
  if (unit == Unit::order) return {std::to_string(value), ""};
  constexpr std::array binary{"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  const std::array decimal{std::string("ns"), fmt::format("{}s", glyphs(style).micro), std::string("ms"),
                           std::string("s")};
  const double step = unit == Unit::bytes ? 1024 : 1000;
  const std::size_t last = unit == Unit::bytes ? binary.size() - 1 : decimal.size() - 1;
  double number = static_cast<double>(value);
  std::size_t i = 0;
  for (; number >= step && i < last; ++i) number /= step;
  return {fmt::format("{:.6g}", number), unit == Unit::bytes ? binary[i] : decimal[i]};
}

std::string format_value(std::uint64_t value, Unit unit, const TextStyle& style) {
  switch (unit) {
    case Unit::bytes:
      return format_bytes(value);
    case Unit::duration:
      return format_duration(value, glyphs(style).micro);
    case Unit::order:
      break;
  }
  return std::to_string(value);
}

// A bar whose length is `share` of `columns`: eighths of a column where there
// are glyphs for them; never nothing for something.
std::string bar(std::uint64_t count, std::uint64_t most, std::size_t columns, const TextStyle& style) {
  constexpr std::array eighths{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  if (count == 0) return {};
  const double length = static_cast<double>(count) / static_cast<double>(most) * static_cast<double>(columns);
  if (!style.utf8) return repeat("#", std::max<std::size_t>(1, static_cast<std::size_t>(length + 0.5)));
  const auto parts = std::max<std::size_t>(1, static_cast<std::size_t>(length * 8 + 0.5));
  return repeat("█", parts / 8) + eighths[parts % 8];
}

// "p50 9.6  p90 12.0  p99 12.0  max 12.4 MiB": a unit that all share is said once.
std::vector<std::string> percentiles(const histogram::Histogram& histogram, Unit unit, const TextStyle& style,
                                     std::size_t columns) {
  constexpr std::size_t kFewest = 2;
  std::vector<std::string> names{"p50", "p90", "p99", "max"};
  std::vector<std::string> values;
  for (const int percentile : {50, 90, 99}) {
    values.push_back(format_value(histogram.value_at_percentile(percentile), unit, style));
  }
  values.push_back(format_value(histogram.max(), unit, style));
  const auto unit_of = [](const std::string& text) {
    return text.find(' ') == std::string::npos ? "" : text.substr(text.find(' '));
  };
  const std::string shared = unit_of(values.back());
  const bool same =
      std::all_of(values.begin(), values.end(), [&](const std::string& v) { return unit_of(v) == shared; });
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (same && i + 1 < values.size()) values[i].resize(values[i].size() - shared.size());
    values[i] = fmt::format("{} {}", names[i], values[i]);
  }
  for (;;) {
    const std::string line = fmt::format("{}", fmt::join(values, "  "));
    if (display_width(line) <= columns) return {line};
    if (values.size() == kFewest) break;
    values.erase(values.end() - 2);  // p99, then p90: the maximum says nearly the same
  }
  for (std::string& value : values) std::replace(value.begin(), value.end(), ' ', kGlue);
  return wrap(fmt::format("{}", fmt::join(values, " ")), columns);
}

Line bar_row(const Bin& bin, std::uint64_t most, std::size_t label_width, Unit unit, const TextStyle& style,
             std::size_t columns) {
  const std::string label = bin_label(bin, unit, style);
  const std::size_t indent = label_width - display_width(label);
  Line line{std::string(indent, ' ') + paint(label, Tone::faint, style), label_width};
  if (bin.count == 0) return line;
  const std::string filled = bar(bin.count, most, columns, style);
  const std::string count = grouped(bin.count);
  line.text += fmt::format("  {} {}", filled, count);
  line.width += 3 + display_width(filled) + count.size();
  return line;
}

std::vector<Line> bar_rows(const std::vector<Bin>& bins, Unit unit, const TextStyle& style,
                           std::size_t columns) {
  std::size_t label_width = 0;
  std::uint64_t most = 1;
  for (const Bin& bin : bins) {
    label_width = std::max(label_width, display_width(bin_label(bin, unit, style)));
    most = std::max(most, bin.count);
  }
  const std::size_t taken = label_width + grouped(most).size() + 3;
  const std::size_t room = columns > taken ? std::min(columns - taken, kMaxBarColumns) : 1;
  std::vector<Line> lines;
  for (auto bin = bins.begin(); bin != bins.end(); ++bin) {
    const auto filled = std::find_if(bin, bins.end(), [](const Bin& b) { return b.count > 0; });
    // A long way to the next value: say so in one line.
    if (filled - bin >= kMinSkippedRows) {
      lines.push_back(
          {std::string(label_width - 1, ' ') + paint(glyphs(style).skip, Tone::faint, style), label_width});
      bin = filled;
    }
    lines.push_back(bar_row(*bin, most, label_width, unit, style, room));
  }
  return lines;
}

}  // namespace

std::vector<Bin> merge_buckets(const histogram::Histogram& histogram, Unit unit, std::size_t max_rows) {
  std::vector<Bin> bins;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> values;  // (value, count), ascending, above zero
  for (const auto& bucket : histogram.buckets()) {
    const std::uint64_t value = middle(bucket, histogram);
    if (value == 0 && unit != Unit::order) {
      bins.push_back({0, 1, bucket.count});
    } else {
      values.emplace_back(value, bucket.count);
    }
  }
  if (values.empty()) return bins;
  const Grid grid = finest_grid(unit, values.front().first, values.back().first, max_rows - bins.size());
  auto value = values.begin();
  for (std::uint64_t low = grid.floor(values.front().first); value != values.end(); low = grid.next(low)) {
    Bin bin{low, grid.next(low), 0};
    for (; value != values.end() && (value->first < bin.high || bin.high == kTopEdge); ++value)
      bin.count += value->second;
    bins.push_back(bin);
  }
  return bins;
}

std::string bin_label(const Bin& bin, Unit unit, const TextStyle& style) {
  const Quantity low = edge(bin.low, unit, style);
  if (unit == Unit::order) {
    if (bin.high - bin.low == 1) return low.number;
    return fmt::format("{} {} {}", low.number, glyphs(style).dash, bin.high - 1);
  }
  if (bin.high <= 1) return fmt::format("0 {}", low.unit);
  const Quantity high = edge(bin.high, unit, style);
  const std::string low_unit = low.unit == high.unit ? "" : fmt::format(" {}", low.unit);
  return fmt::format("{}{} {} {} {}", low.number, low_unit, glyphs(style).dash, high.number, high.unit);
}

std::vector<Line> render_bars(std::string_view title, std::string_view noun,
                              const histogram::Histogram& histogram, Unit unit, const TextStyle& style,
                              std::size_t columns) {
  std::vector<Line> lines;
  const std::string count = fmt::format("  {}", counted(histogram.count(), noun));
  lines.push_back({paint(title, Tone::strong, style) + paint(count, Tone::faint, style),
                   display_width(title) + display_width(count)});
  for (const std::string& text : percentiles(histogram, unit, style, columns)) {
    lines.push_back({text, display_width(text)});
  }
  const std::vector<Bin> bins = merge_buckets(histogram, unit);
  if (bins.size() < 2) return lines;
  const std::vector<Line> rows = bar_rows(bins, unit, style, columns);
  lines.insert(lines.end(), rows.begin(), rows.end());
  return lines;
}

}  // namespace memspike::views
