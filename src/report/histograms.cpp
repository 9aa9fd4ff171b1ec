#include "report/histograms.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <vector>

#include "report/bars.h"

namespace memspike::report {
namespace {

constexpr std::size_t kGutter = 3;
constexpr std::size_t kMinBlockColumns = 44;

using Block = std::vector<Line>;

void write_pair(Page& page, const Block& left, const Block& right, std::size_t width) {
  page.line();
  const Line nothing;
  for (std::size_t i = 0; i < std::max(left.size(), right.size()); ++i) {
    const Line& l = i < left.size() ? left[i] : nothing;
    const Line& r = i < right.size() ? right[i] : nothing;
    std::string text(kIndent, ' ');
    text += l.text;
    if (r.width > 0) text.append(width + kGutter - l.width, ' ') += r.text;
    page.raw(text + '\n');
  }
}

std::uint64_t single_pages(const histogram::Histogram& orders) {
  std::uint64_t count = 0;
  for (const auto& bucket : orders.buckets()) {
    if (bucket.low == 0) count += bucket.count;
  }
  return count;
}

// Bars would show one long one, and nothing to see beside it.
bool mostly_single_pages(const histogram::Histogram& orders) {
  return orders.count() > 0 && single_pages(orders) > orders.count() / 100 * 99;
}

void write_orders(Page& page, const histogram::Histogram& orders) {
  const std::uint64_t singles = single_pages(orders);
  // Truncated: "100 %" says that there was no other.
  const std::uint64_t permille =
      singles / orders.count() * 1000 + singles % orders.count() * 1000 / orders.count();
  const std::string text =
      singles == orders.count()
          ? "all order 0"
          : fmt::format("{}.{} % order 0, largest order {}", permille / 10, permille % 10, orders.max());
  page.line();
  page.paragraph("  allocation order  ", text, Tone::strong, Tone::faint);
}

}  // namespace

void write_histograms(Page& page, const Histograms& histograms) {
  const std::size_t room = page.style().columns - kIndent;
  const std::size_t half = (room - kGutter) / 2;
  const bool side_by_side = half >= kMinBlockColumns;
  const std::size_t width = side_by_side ? half : room;

  std::vector<Block> blocks;
  // One value is in the table above already: two make a distribution.
  const auto add = [&](std::string_view title, std::string_view noun, const histogram::Histogram& histogram,
                       Unit unit) {
    if (histogram.count() < 2) return;
    blocks.push_back(render_bars(title, noun, histogram, unit, page.style(), width));
  };
  add("height", "spike", histograms.prominence_bytes, Unit::bytes);
  add("headroom", "spike", histograms.headroom_bytes, Unit::bytes);
  add("rise", "spike", histograms.rise_ns, Unit::duration);
  add("width", "spike", histograms.width_ns, Unit::duration);
  add("peak to peak", "interval", histograms.interval_ns, Unit::duration);
  if (!mostly_single_pages(histograms.alloc_order)) {
    add("allocation order", "allocation", histograms.alloc_order, Unit::order);
  }
  for (std::size_t i = 0; i < blocks.size(); i += side_by_side ? 2 : 1) {
    const bool paired = side_by_side && i + 1 < blocks.size();
    write_pair(page, blocks[i], paired ? blocks[i + 1] : Block{}, width);
  }
  if (mostly_single_pages(histograms.alloc_order)) write_orders(page, histograms.alloc_order);
}

}  // namespace memspike::report
