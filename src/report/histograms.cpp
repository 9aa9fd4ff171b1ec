#include "report/histograms.h"

#include <algorithm>
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
  add("allocation order", "allocation", histograms.alloc_order, Unit::order);
  for (std::size_t i = 0; i < blocks.size(); i += side_by_side ? 2 : 1) {
    const bool paired = side_by_side && i + 1 < blocks.size();
    write_pair(page, blocks[i], paired ? blocks[i + 1] : Block{}, width);
  }
}

}  // namespace memspike::report
