#include "views/kit/table.h"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string_view>

#include "base/utf8.h"
#include "views/kit/escape.h"

namespace memspike::views {
namespace {

// Which columns are shown, how wide, how far apart.
struct Plan {
  std::vector<std::size_t> shown;
  std::vector<std::size_t> widths;  // of all columns
  std::size_t gap = 2;

  std::size_t width() const {
    std::size_t sum = shown.empty() ? 0 : gap * (shown.size() - 1);
    for (const std::size_t column : shown) sum += widths[column];
    return sum;
  }
};

bool begins_number(std::string_view word) {
  return !word.empty() && word.front() >= '0' && word.front() <= '9';
}

// What a cell ends with and a cut must not touch: a number behind a name, with its unit ("gosave 50.0 %"),
// and the space before it. Nothing of a cell that is all number, or none.
std::string_view number_at_end(std::string_view text) {
  constexpr std::size_t kLongestUnit = 4;  // bytes: "MiB", "µs"
  std::size_t space = text.rfind(' ');
  if (space == std::string_view::npos || space == 0) return {};
  const std::string_view last = text.substr(space + 1);
  if (begins_number(last)) return text.substr(space);
  if (last.size() > kLongestUnit) return {};
  space = text.rfind(' ', space - 1);
  if (space == std::string_view::npos || space == 0) return {};
  return begins_number(text.substr(space + 1)) ? text.substr(space) : std::string_view();
}

// Cut in its middle, a number at its end aside.
std::string shortened(std::string_view text, std::size_t columns, bool utf8) {
  const std::string_view number = number_at_end(text);
  const std::size_t kept = display_width(number);
  if (number.empty() || display_width(text) <= columns || kept >= columns) {
    return truncate_middle(text, columns, utf8);
  }
  return truncate_middle(text.substr(0, text.size() - number.size()), columns - kept, utf8) +
         std::string(number);
}

void drop_one(Plan& plan, const std::vector<Column>& columns) {
  const auto rank = [&](std::size_t a, std::size_t b) { return columns[a].drop < columns[b].drop; };
  plan.shown.erase(std::max_element(plan.shown.begin(), plan.shown.end(), rank));
}

bool can_drop(const Plan& plan, const std::vector<Column>& columns) {
  return std::any_of(plan.shown.begin(), plan.shown.end(),
                     [&](std::size_t column) { return columns[column].drop > 0; });
}

// How much narrower the shrinkable columns could become.
std::size_t slack(const Plan& plan, const std::vector<Column>& columns) {
  std::size_t sum = 0;
  for (const std::size_t column : plan.shown) {
    const std::size_t least = columns[column].shrink_to;
    if (least > 0 && plan.widths[column] > least) sum += plan.widths[column] - least;
  }
  return sum;
}

// Takes what is too much from the widest shrinkable column, one column at a time.
void shrink(Plan& plan, const std::vector<Column>& columns, std::size_t available) {
  while (plan.width() > available) {
    std::size_t* widest = nullptr;
    for (const std::size_t column : plan.shown) {
      std::size_t& width = plan.widths[column];
      const std::size_t least = columns[column].shrink_to;
      if (least > 0 && width > least && (widest == nullptr || width > *widest)) widest = &width;
    }
    if (widest == nullptr) return;
    --*widest;
  }
}

Plan make_plan(const std::vector<Column>& columns, std::vector<std::size_t> widths, std::size_t available) {
  Plan plan;
  plan.widths = std::move(widths);
  plan.shown.resize(columns.size());
  std::iota(plan.shown.begin(), plan.shown.end(), 0);
  const auto is_spare = [&](std::size_t column) { return columns[column].spare; };
  plan.gap = 1;
  while (plan.width() > available && std::any_of(plan.shown.begin(), plan.shown.end(), is_spare)) {
    drop_one(plan, columns);
  }
  plan.gap = 2;
  const auto too_wide = [&] { return plan.width() > available + slack(plan, columns); };
  if (too_wide()) plan.gap = 1;
  while (too_wide() && can_drop(plan, columns)) drop_one(plan, columns);
  plan.gap = 2;
  if (too_wide()) plan.gap = 1;
  shrink(plan, columns, available);
  return plan;
}

// Nothing is left to be dropped or cut by anybody's leave: what comes last goes.
void cut_to(Plan& plan, std::size_t available) {
  while (plan.width() > available && plan.shown.size() > 1) plan.shown.pop_back();
  if (plan.width() > available) plan.widths[plan.shown.front()] = available;
}

std::size_t room_of(const TextStyle& style, std::size_t indent) {
  return style.columns > indent ? style.columns - indent : 1;
}

std::string render_line(const std::vector<Cell>& cells, const std::vector<Column>& columns, const Plan& plan,
                        const TextStyle& style, std::size_t indent) {
  std::string line(indent, ' ');
  std::size_t end = indent;    // columns that `line` takes
  std::size_t start = indent;  // where the cell's field begins
  for (const std::size_t column : plan.shown) {
    const std::size_t field = plan.widths[column];
    if (column < cells.size()) {
      const std::string text = shortened(cells[column].text, field, style.utf8);
      const std::size_t width = display_width(text);
      const std::size_t at = columns[column].align == Align::right ? start + field - width : start;
      // Spaces go in only before something: no trailing ones.
      if (width > 0) {
        line.append(at - end, ' ');
        line += paint(text, cells[column].tone, style);
        end = at + width;
      }
    }
    start += field + plan.gap;
  }
  return line += '\n';
}

}  // namespace

// Header (unless all are empty) and rows, escaped; how wide each column wants to be, and may become.
struct Table::Sheet {
  std::vector<std::vector<Cell>> lines;
  std::vector<Column> columns;
  std::vector<std::size_t> widths;
};

Table::Sheet Table::measure(const TextStyle& style) const {
  constexpr std::size_t kEllipsis = 3;  // "…", or "..."
  Sheet sheet{{}, columns_, std::vector<std::size_t>(columns_.size(), 0)};
  std::vector<Cell> header;
  for (const Column& column : columns_) header.emplace_back(column.header, Tone::faint);
  const bool headless = std::all_of(columns_.begin(), columns_.end(),
                                    [](const Column& column) { return column.header.empty(); });
  if (!headless) sheet.lines.push_back(std::move(header));
  sheet.lines.insert(sheet.lines.end(), rows_.begin(), rows_.end());

  for (auto& cells : sheet.lines) {
    for (std::size_t i = 0; i < std::min(cells.size(), sheet.widths.size()); ++i) {
      cells[i].text = escape_terminal(cells[i].text, style.utf8);
      sheet.widths[i] = std::max(sheet.widths[i], display_width(cells[i].text));
      std::size_t& shrink_to = sheet.columns[i].shrink_to;
      const std::size_t number = shrink_to == 0 ? 0 : display_width(number_at_end(cells[i].text));
      if (number > 0) shrink_to = std::max(shrink_to, number + kEllipsis);
    }
  }
  return sheet;
}

bool Table::fits(const TextStyle& style, std::size_t indent) const {
  Sheet sheet = measure(style);
  const std::size_t available = room_of(style, indent);
  return make_plan(sheet.columns, std::move(sheet.widths), available).width() <= available;
}

std::string Table::render(const TextStyle& style, std::size_t indent) const {
  Sheet sheet = measure(style);
  const std::size_t available = room_of(style, indent);
  Plan plan = make_plan(sheet.columns, std::move(sheet.widths), available);
  cut_to(plan, available);
  std::string out;
  for (const auto& cells : sheet.lines) out += render_line(cells, sheet.columns, plan, style, indent);
  return out;
}

}  // namespace memspike::views
