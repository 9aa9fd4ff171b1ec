// Pictures in text: nothing that was seen is missing, nothing shown was not there.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>
#include <sstream>

#include "base/utf8.h"
#include "timeline/overview.h"
#include "views/kit/chart.h"
#include "views/sentences/last_second_text.h"
#include "views/text/pictures.h"
#include "views/text/text.h"

using namespace memspike;
using namespace memspike::facts;
using namespace memspike::report;
using namespace memspike::views;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;
constexpr TextStyle kUtf8{false, true, 80};
constexpr TextStyle kAscii{false, false, 80};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// Which dots a row of braille has, in each of its two columns a character, from above.
std::vector<std::vector<bool>> dots_of(std::string_view row) {
  std::vector<std::vector<bool>> columns;
  while (!row.empty()) {
    const CodePoint point = first_code_point(row);
    const unsigned bits = point.value >= 0x2800 ? point.value - 0x2800 : 0;
    const auto has = [&](unsigned bit) { return (bits & bit) != 0; };
    columns.push_back({has(0x01), has(0x02), has(0x04), has(0x40)});
    columns.push_back({has(0x08), has(0x10), has(0x20), has(0x80)});
    row.remove_prefix(point.length);
  }
  return columns;
}

// The height of the highest and the lowest dot in column x of the canvas, from below; -1: none.
std::pair<int, int> span_of(const Canvas& canvas, std::size_t rows, std::size_t x) {
  int lowest = -1;
  int highest = -1;
  for (std::size_t row = rows; row-- > 0;) {
    const auto columns = dots_of(canvas.line(row));
    if (x >= columns.size()) continue;
    for (int dot = 4; dot-- > 0;) {
      if (!columns[x][static_cast<std::size_t>(dot)]) continue;
      highest = static_cast<int>((rows - 1 - row) * 4) + 3 - dot;
      if (lowest < 0) lowest = highest;
    }
  }
  return {lowest, highest};
}

Report report_with_life(std::optional<std::uint64_t> limit_bytes) {
  Report report;
  report.session.start_realtime_ns = 1'700'000'000'000'000'000;
  report.session.duration_ns = 10'000'000'000;
  Memcg m;
  m.path = "/a";
  m.limit_bytes = limit_bytes;
  m.usage.typical_bytes = 38 * kMiB;
  m.usage.peak_bytes = 49 * kMiB;
  m.bursts.resize(1);
  m.bursts_total = 1;
  m.overview.push(0, 38 * kMiB);
  m.overview.push(5'000'000'000, 49 * kMiB);
  m.overview.push(5'000'000'001, 38 * kMiB);
  m.overview.push(10'000'000'000, 38 * kMiB);
  report.memcgs = {m};
  return report;
}

std::vector<std::string> picture_of(const Report& report, const TextStyle& style) {
  Page page(report, style);
  write_timeline(page, subjects_of(report)[0]);
  return lines_of(page.take());
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("a canvas shows exactly what was drawn") {
  std::mt19937_64 random(4711);
  for (int round = 0; round < 200; ++round) {
    Canvas canvas(20, 5, kUtf8);
    REQUIRE(canvas.width() == 40);
    REQUIRE(canvas.height() == 20);
    std::vector<std::pair<int, int>> wanted(40, {-1, -1});
    for (int i = 0; i < 15; ++i) {
      const std::size_t x = random() % 40;
      const std::size_t low = random() % 20;
      const std::size_t high = low + random() % (20 - low);
      if (wanted[x].first >= 0) continue;
      canvas.draw(x, low, high);
      wanted[x] = {static_cast<int>(low), static_cast<int>(high)};
    }
    for (std::size_t x = 0; x < 40; ++x) CHECK(span_of(canvas, 5, x) == wanted[x]);
  }
}

TEST_CASE("a dash gives way to what is drawn") {
  Canvas canvas(4, 1, kUtf8);
  canvas.dash(3);
  CHECK(canvas.line(0) == "⠉ ⠉");
  canvas.draw(0, 0, 0);
  CHECK(canvas.line(0) == "⡀ ⠉");
  Canvas ascii(8, 1, kAscii);
  ascii.dash(2);
  ascii.draw(0, 0, 0);
  ascii.draw(1, 1, 1);
  ascii.draw(2, 2, 2);
  ascii.draw(3, 0, 1);
  CHECK(ascii.line(0) == ".-'|= =");
}

TEST_CASE("a spike of a nanosecond in ten seconds is seen at its height, the limit's line is not touched") {
  const auto lines = picture_of(report_with_life(50 * kMiB), kUtf8);
  REQUIRE(lines.size() == 10);
  CHECK(lines[1] == "  usage over time  lowest and highest at each time");
  CHECK(has(lines[2], "limit 50.0 MiB ┤⠉ ⠉"));
  // Two of four dots: 49 MiB are less than the limit.
  CHECK((has(lines[2], "⣤") || has(lines[2], "⡄") || has(lines[2], "⢠")));
  CHECK(has(lines[9], "22:13:20"));
  for (const std::string& line : lines) CHECK(display_width(line) <= 80);
}

TEST_CASE("a spike that reaches the limit touches its line") {
  const auto touches = [](const std::string& row) { return has(row, "⣿") || has(row, "⡇") || has(row, "⢸"); };
  CHECK(touches(picture_of(report_with_life(49 * kMiB), kUtf8)[2]));
  CHECK_FALSE(touches(picture_of(report_with_life(49 * kMiB + 4096), kUtf8)[2]));
}

TEST_CASE("a limit far above does not flatten what moved, nor does a high floor") {
  Report report = report_with_life(1024 * kMiB);
  auto lines = picture_of(report, kAscii);
  CHECK(has(lines[1], "the limit is far above"));
  CHECK(has(lines[2], "49.0 MiB +"));
  CHECK(has(lines[7], "38.0 MiB +......"));
  report = report_with_life({});
  lines = picture_of(report, kAscii);
  CHECK_FALSE(has(lines[1], "limit"));
}

TEST_CASE("kills are marked on the time axis") {
  Report report = report_with_life(50 * kMiB);
  OomKill kill;
  kill.time_ns = 10'000'000'000;
  report.memcgs[0].oom_kills = {kill};
  const auto lines = picture_of(report, kAscii);
  CHECK(has(lines[1], "; X OOM kill"));
  CHECK(lines[8].substr(lines[8].size() - 4) == "---X");
}

TEST_CASE("no picture where nothing was seen, nothing moved in time, or nothing was used") {
  Report report = report_with_life({});
  report.memcgs[0].overview = timeline::Overview();
  CHECK(picture_of(report, kUtf8).empty());
  report.memcgs[0].overview.push(5, 7);
  CHECK(picture_of(report, kUtf8).empty());
  report.memcgs[0].overview = timeline::Overview();
  report.memcgs[0].overview.push(5, 0);
  report.memcgs[0].overview.push(9, 0);
  CHECK(picture_of(report, kUtf8).empty());
}

TEST_CASE("every column of a picture has the highest and the lowest usage of its time") {
  std::mt19937_64 random(12);
  for (int round = 0; round < 20; ++round) {
    Report report = report_with_life({});
    timeline::Overview& overview = report.memcgs[0].overview;
    overview = timeline::Overview();
    std::vector<std::pair<std::uint64_t, std::uint64_t>> rows;
    std::uint64_t time_ns = 0;
    for (int i = 0; i < 3000; ++i) {
      rows.emplace_back(time_ns, random() % 100 == 0 ? 96 * kMiB : random() % (10 * kMiB));
      overview.push(rows.back().first, rows.back().second);
      time_ns += random() % 1'000'000;
    }
    const auto lines = picture_of(report, kUtf8);
    std::vector<std::string> picture;
    for (std::size_t i = 2; i < 8; ++i) {
      const std::size_t axis = std::min(lines[i].find("┤"), lines[i].find("│"));
      picture.push_back(lines[i].substr(axis + 3));
    }
    // A peak of 96 MiB reaches the top row, and must be there at its time.
    const auto top = dots_of(picture[0]);
    const std::size_t width = 2 * (80 - 2 - 8 - 2);
    for (const auto& [at_ns, bytes] : rows) {
      if (bytes != 96 * kMiB) continue;
      const auto x = static_cast<std::size_t>(
          static_cast<double>(at_ns) / static_cast<double>(rows.back().first) * static_cast<double>(width));
      const auto reaches = [&](std::size_t column) {
        return column < top.size() && std::count(top[column].begin(), top[column].end(), true) > 0;
      };
      CHECK((reaches(x) || (x > 0 && reaches(x - 1)) || reaches(x + 1)));
    }
  }
}

TEST_CASE("the slope has three digits") {
  CHECK(slope_mib(408 * kMiB) == "408");
  CHECK(slope_mib(9'990'000) == "9.53");
  CHECK(slope_mib(99 * kMiB) == "99.0");
  CHECK(slope_mib(12'345 * kMiB) == "12,345");
  CHECK(slope_mib(0) == "0.00");
}

TEST_CASE("what is said of the last second depends on what is known of it") {
  Report report = report_with_life(50 * kMiB);
  OomKill kill;
  kill.time_ns = 10'000'000'000;
  kill.limit_path = "/a";
  kill.limit_source = LimitSource::kernel;
  LastSecond& last = kill.last_second.emplace();
  last.path = "/a";
  last.window_ns = 250'000'000;
  last.limit_bytes = 50 * kMiB;
  last.timeline = {{9'750'000'000, 50 * kMiB}, {9'900'000'000, 49 * kMiB}};
  const auto text = [&] {
    report.memcgs[0].oom_kills = {kill};
    return render_text(report, {false, true, 120});
  };
  CHECK(has(text(), "  the last 250 ms  before the kill\n"));
  CHECK(has(text(), "no rise in it: usage was between 49.0 MiB and 50.0 MiB all the time\n"));
  last.baseline = {9'800'000'000, 38 * kMiB};
  last.crest = {9'800'000'000, 50 * kMiB};
  CHECK(has(
      text(),
      "from 38.0 MiB to 50.0 MiB from one look at the counter to the next; the kill came 200 ms later\n"));
  last.crest = {9'801'234'000, 50 * kMiB};
  last.slope_bytes_per_second = 500 * kMiB;
  CHECK(has(text(), "from 38.0 MiB to 50.0 MiB in 1,234 µs: 500 MiB/s; the kill came 199 ms later\n"));
  last.baseline_to_limit_ns = 1'234'000;
  CHECK(has(text(),
            "from 38.0 MiB to the limit of 50.0 MiB in 1,234 µs: 500 MiB/s; the kill came 199 ms later\n"));
  last.path = "/";
  CHECK(has(text(), "before the kill, of cgroup /\n"));
  last.timeline.clear();
  CHECK_FALSE(has(text(), "the last 250 ms"));
}
