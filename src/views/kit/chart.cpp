#include "views/kit/chart.h"

#include <algorithm>

#include "base/utf8.h"
#include "views/kit/cells.h"

namespace memspike::views {
namespace {

constexpr std::size_t kMaxColumns = 100;
constexpr std::size_t kAxisColumns = 2;  // a space, and the line

// The limit has its line up to this many times the highest usage.
constexpr std::uint64_t kNearLimit = 2;

std::uint64_t low_of(const View& view, std::uint64_t high_bytes) {
  return view.min_bytes > high_bytes / 2 && view.min_bytes < high_bytes ? view.min_bytes : 0;
}

std::string limit_label(const Page& page, const View& view) {
  return "limit " + cell_bytes(page, view.limit_bytes.value_or(0));
}

std::size_t widest_label(const Page& page, const View& view, bool shows_limit) {
  std::size_t columns = shows_limit ? display_width(limit_label(page, view)) : 0;
  for (const std::uint64_t bytes :
       {view.min_bytes, view.max_bytes, view.marked_bytes.value_or(0), std::uint64_t{0}}) {
    columns = std::max(columns, display_width(cell_bytes(page, bytes)));
  }
  return columns;
}

std::string padded(const std::string& text, std::size_t columns) {
  const std::size_t width = display_width(text);
  return std::string(columns > width ? columns - width : 0, ' ') + text;
}

}  // namespace

Chart::Chart(const Page& page, const View& view, std::size_t rows)
    : view_(view),
      shows_limit_(view.limit_bytes && *view.limit_bytes / kNearLimit <= view.max_bytes),
      low_bytes_(0),
      high_bytes_(std::max({view.max_bytes, shows_limit_ ? *view.limit_bytes : 0, std::uint64_t{1}})),
      label_columns_(widest_label(page, view, shows_limit_)),
      columns_(std::min(page.style().columns - kIndent - label_columns_ - kAxisColumns, kMaxColumns)),
      canvas_(columns_, rows, page.style()),
      labels_(rows),
      kills_(columns_, false) {
  low_bytes_ = low_of(view, high_bytes_);
  if (shows_limit_) {
    canvas_.dash(y_of(*view.limit_bytes));
    label(*view.limit_bytes, limit_label(page, view));
  }
  for (const std::uint64_t bytes : {low_bytes_, high_bytes_, view.marked_bytes.value_or(low_bytes_)}) {
    if (bytes >= low_bytes_) label(bytes, cell_bytes(page, bytes));
  }
}

// The first label of a row stays.
void Chart::label(std::uint64_t bytes, std::string text) {
  std::string& row = labels_[canvas_.row_of(y_of(bytes))];
  if (row.empty()) row = std::move(text);
}

std::size_t Chart::x_of(std::uint64_t time_ns) const {
  const std::uint64_t since_ns = std::clamp(time_ns, view_.first_ns, view_.last_ns) - view_.first_ns;
  const double share = static_cast<double>(since_ns) / static_cast<double>(view_.last_ns - view_.first_ns);
  return std::min(static_cast<std::size_t>(share * static_cast<double>(canvas_.width())),
                  canvas_.width() - 1);
}

std::size_t Chart::y_of(std::uint64_t bytes) const {
  const std::uint64_t above = std::clamp(bytes, low_bytes_, high_bytes_) - low_bytes_;
  const double share = static_cast<double>(above) / static_cast<double>(high_bytes_ - low_bytes_);
  return static_cast<std::size_t>(share * static_cast<double>(canvas_.height() - 1));
}

void Chart::add(std::uint64_t from_ns, std::uint64_t to_ns, std::uint64_t min_bytes,
                std::uint64_t max_bytes) {
  if (to_ns < view_.first_ns || from_ns > view_.last_ns) return;
  const std::size_t last = x_of(to_ns);
  for (std::size_t x = x_of(from_ns); x <= last; ++x) canvas_.draw(x, y_of(min_bytes), y_of(max_bytes));
}

void Chart::mark_kill(std::uint64_t time_ns) {
  if (time_ns < view_.first_ns || time_ns > view_.last_ns) return;
  kills_[canvas_.column_of(x_of(time_ns))] = true;
}

std::string Chart::time_axis(const Page& page) const {
  const Glyphs& glyph = page.glyph();
  std::string text = paint(glyph.corner, Tone::faint, page.style());
  std::size_t plain = 0;  // columns of the line that are still to be drawn
  for (std::size_t column = 0; column <= columns_; ++column) {
    if (column < columns_ && !kills_[column]) {
      ++plain;
      continue;
    }
    text += paint(repeat(glyph.rule, plain), Tone::faint, page.style());
    plain = 0;
    if (column < columns_) text += paint(glyph.alarm, Tone::alarm, page.style());
  }
  return text;
}

void Chart::write(Page& page, const std::string& left, const std::string& middle,
                  const std::string& right) const {
  const std::string indent(kIndent, ' ');
  for (std::size_t row = 0; row < labels_.size(); ++row) {
    const std::string_view axis = labels_[row].empty() ? page.glyph().axis : page.glyph().tick;
    page.raw(indent + paint(padded(labels_[row], label_columns_) + ' ', Tone::faint, page.style()) +
             paint(axis, Tone::faint, page.style()) + canvas_.line(row) + '\n');
  }
  const std::string under = indent + std::string(label_columns_ + 1, ' ');
  page.raw(under + time_axis(page) + '\n');

  std::string times = left;
  const std::size_t middle_at = columns_ / 2 - std::min(columns_ / 2, display_width(middle) / 2);
  const std::size_t right_at = columns_ - std::min(columns_, display_width(right));
  constexpr std::size_t kGap = 2;
  if (display_width(left) + kGap <= middle_at && middle_at + display_width(middle) + kGap <= right_at) {
    times += std::string(middle_at - display_width(times), ' ') + middle;
  }
  if (display_width(times) + kGap <= right_at) {
    times += std::string(right_at - display_width(times), ' ') + right;
  }
  page.line(under + ' ' + times, Tone::faint);
}

std::string axis_time(const Page& page, std::uint64_t monotonic_ns, std::uint64_t span_ns) {
  constexpr std::uint64_t kSecondsTell = 10'000'000'000;
  constexpr std::uint64_t kMillisecondsTell = 10'000'000;
  constexpr std::size_t kPointAndThree = 4;
  std::string time = cell_time(page, monotonic_ns);
  const std::size_t point = time.find('.');
  if (point == std::string::npos) return time;
  if (span_ns >= kSecondsTell) return time.substr(0, point);
  if (span_ns >= kMillisecondsTell) return time.substr(0, point + kPointAndThree);
  return time;
}

}  // namespace memspike::views
