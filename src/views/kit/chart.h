// Usage over time as a small picture in text, with its axes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "views/kit/canvas.h"
#include "views/kit/page.h"

namespace memspike::views {

// What is seen: a stretch of time, the usage in it, and the limit.
struct View {
  std::uint64_t first_ns = 0;
  std::uint64_t last_ns = 0;  // later than first_ns
  std::uint64_t min_bytes = 0;
  std::uint64_t max_bytes = 0;
  std::optional<std::uint64_t> limit_bytes;
  std::optional<std::uint64_t> marked_bytes;  // a level worth its label, where there is room
};

// The usage axis begins at zero, or at the lowest usage where that leaves more of the picture to what
// moved. It ends at the highest usage, or at the limit, unless that is so far away that what moved
// would be flattened. A height is rounded down: what touches the limit's line has reached it.
class Chart {
 public:
  Chart(const Page& page, const View& view, std::size_t rows);

  // Usage was between min and max, from one time to another (both included).
  void add(std::uint64_t from_ns, std::uint64_t to_ns, std::uint64_t min_bytes, std::uint64_t max_bytes);
  void mark_kill(std::uint64_t time_ns);

  // Whether the limit has its line; else it is too far above.
  bool shows_limit() const { return shows_limit_; }

  // With a text at the left end, the middle and the right end of the time axis, as far as they fit.
  void write(Page& page, const std::string& left, const std::string& middle, const std::string& right) const;

 private:
  std::size_t x_of(std::uint64_t time_ns) const;
  std::size_t y_of(std::uint64_t bytes) const;
  void label(std::uint64_t bytes, std::string text);
  std::string time_axis(const Page& page) const;

  View view_;
  bool shows_limit_;
  std::uint64_t low_bytes_;
  std::uint64_t high_bytes_;
  std::size_t label_columns_;
  std::size_t columns_;
  Canvas canvas_;
  std::vector<std::string> labels_;  // of the rows
  std::vector<bool> kills_;          // by column
};

// A time as far as it can be told in a picture of that span: "03:40:13", "03:40:13.123".
std::string axis_time(const Page& page, std::uint64_t monotonic_ns, std::uint64_t span_ns);

}  // namespace memspike::views
