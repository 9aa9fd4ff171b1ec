#include "views/text/histograms.h"

#include <fmt/core.h>

#include <algorithm>
#include <string>
#include <vector>

#include "views/kit/bars.h"

namespace memspike::views {
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

// Blocks that a distribution made of two values or more.
class Blocks {
 public:
  explicit Blocks(const Page& page) : style_(page.style()) {
    const std::size_t room = style_.columns - kIndent;
    const std::size_t half = (room - kGutter) / 2;
    side_by_side_ = half >= kMinBlockColumns;
    width_ = side_by_side_ ? half : room;
  }

  // One value is in the table above already: two make a distribution.
  void add(std::string_view title, std::string_view noun, const histogram::Histogram& histogram, Unit unit) {
    if (histogram.count() < 2) return;
    blocks_.push_back(render_bars(title, noun, histogram, unit, style_, width_));
  }

  void write(Page& page) const {
    for (std::size_t i = 0; i < blocks_.size(); i += side_by_side_ ? 2 : 1) {
      const bool paired = side_by_side_ && i + 1 < blocks_.size();
      write_pair(page, blocks_[i], paired ? blocks_[i + 1] : Block{}, width_);
    }
  }

  bool side_by_side() const { return side_by_side_; }

 private:
  TextStyle style_;
  bool side_by_side_ = false;
  std::size_t width_ = 0;
  std::vector<Block> blocks_;
};

}  // namespace

void write_histograms(Page& page, const report::Memcg& memcg) {
  const report::BurstHistograms& bursts = memcg.burst_histograms;
  const histogram::Histogram& orders = memcg.histograms.alloc_order;
  Blocks blocks(page);
  blocks.add("height", "burst", bursts.height_bytes, Unit::bytes);
  blocks.add("headroom", "burst", bursts.headroom_bytes, Unit::bytes);
  blocks.add("rise", "burst", bursts.rise_ns, Unit::duration);
  blocks.add("width", "burst", bursts.duration_ns, Unit::duration);
  blocks.add("slope per second", "burst", bursts.slope_bytes_per_second, Unit::bytes);
  blocks.add("peak to peak", "interval", bursts.interval_ns, Unit::duration);
  if (!mostly_single_pages(orders)) blocks.add("allocation order", "allocation", orders, Unit::order);
  blocks.write(page);
  if (mostly_single_pages(orders)) write_orders(page, orders);
}

void write_few_histograms(Page& page, const report::Memcg& memcg) {
  const report::BurstHistograms& bursts = memcg.burst_histograms;
  Blocks blocks(page);
  if (blocks.side_by_side()) blocks.add("height", "burst", bursts.height_bytes, Unit::bytes);
  blocks.add("headroom", "burst", bursts.headroom_bytes, Unit::bytes);
  blocks.write(page);
}

}  // namespace memspike::views
