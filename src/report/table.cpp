#include "report/table.h"

#include <algorithm>
#include <cstdint>
#include <numeric>

#include "report/escape.h"
#include "report/utf8.h"

namespace memspike::report {
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

std::string render_line(const std::vector<Cell>& cells, const std::vector<Column>& columns, const Plan& plan,
                        const TextStyle& style, std::size_t indent) {
  std::string line(indent, ' ');
  std::size_t end = indent;    // columns that `line` takes
  std::size_t start = indent;  // where the cell's field begins
  for (const std::size_t column : plan.shown) {
    const std::size_t field = plan.widths[column];
    if (column < cells.size()) {
      const std::string text = truncate_middle(cells[column].text, field, style.utf8);
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

std::string Table::render(const TextStyle& style, std::size_t indent) const {
  std::vector<std::vector<Cell>> lines;
  std::vector<Cell> header;
  for (const Column& column : columns_) header.emplace_back(column.header, Tone::faint);
  const bool headless = std::all_of(columns_.begin(), columns_.end(),
                                    [](const Column& column) { return column.header.empty(); });
  if (!headless) lines.push_back(std::move(header));
  lines.insert(lines.end(), rows_.begin(), rows_.end());

  std::vector<std::size_t> widths(columns_.size(), 0);
  for (auto& cells : lines) {
    for (std::size_t i = 0; i < std::min(cells.size(), widths.size()); ++i) {
      cells[i].text = escape_terminal(cells[i].text, style.utf8);
      widths[i] = std::max(widths[i], display_width(cells[i].text));
    }
  }
  const std::size_t available = style.columns > indent ? style.columns - indent : 1;
  const Plan plan = make_plan(columns_, std::move(widths), available);
  std::string out;
  for (const auto& cells : lines) out += render_line(cells, columns_, plan, style, indent);
  return out;
}

}  // namespace memspike::report
