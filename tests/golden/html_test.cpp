// The HTML report's own part: what goes into the page. The page itself is tested in a browser, in tests/html.
#include "views/html/html.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "base/utf8.h"
#include "golden.h"
#include "stories.h"
#include "views/html/escape_html.h"
#include "views/html/timeline_codec.h"
#include "views/text/text.h"

using namespace memspike;
using namespace memspike::report;
using namespace memspike::views;
using golden::check_golden;
using Json = nlohmann::ordered_json;

namespace {

template <class Write>
std::string collected(Write&& write) {
  std::string text;
  const Result<void> written = write([&](std::string_view chunk) -> Result<void> {
    text += chunk;
    return {};
  });
  CHECK(written);
  return text;
}

std::string render(const Report& report, std::span<const Piece> page) {
  return collected([&](const Sink& sink) { return render_html(report, sink, page); });
}

std::string slot(const Report& report, Slot what) {
  const Piece page[] = {{"", what}};
  return render(report, page);
}

// The report without the page around it.
std::string bare(const Report& report) {
  constexpr Piece kPage[] = {{"title: ", Slot::title},
                             {"\ndata:\n", Slot::data},
                             {"timelines:\n", Slot::timelines},
                             {"end\n", Slot::none}};
  return render(report, kPage);
}

std::size_t count_of(std::string_view text, std::string_view what) {
  std::size_t count = 0;
  for (std::size_t at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

std::string base64_of(const timeline::Series& rows) {
  return collected([&](const Sink& sink) { return html::write_base64(rows, sink); });
}

}  // namespace

TEST_CASE("reports as HTML, without the page around them") {
  check_golden("oom_story.html.txt", bare(golden::oom_story_with_timeline()));
  check_golden("hostile.html.txt", bare(golden::hostile()));
  check_golden("absent.html.txt", bare(golden::absent()));
  check_golden("losses.html.txt", bare(golden::losses()));
}

TEST_CASE("the page holds every part of the report once, and its policy") {
  const Report report = golden::oom_story_with_timeline();
  const std::string page = collected([&](const Sink& sink) { return render_html(report, sink); });
  CHECK(page.rfind("<!doctype html>", 0) == 0);
  CHECK(count_of(page, "Content-Security-Policy") == 1);
  CHECK(count_of(page, "default-src 'none'; script-src 'sha256-") == 1);
  CHECK(count_of(page, "{{") == 0);
  CHECK(count_of(page, "<title>" + slot(report, Slot::title)) == 1);
  for (const Slot each : {Slot::text, Slot::data, Slot::timelines}) {
    CHECK(count_of(page, slot(report, each)) == 1);
  }
  // The data, one timeline, the script.
  CHECK(count_of(page, "<script") == 3);
  CHECK(count_of(page, "</script>") == 3);
}

TEST_CASE("hostile names end no element and open none") {
  const Report report = golden::hostile();
  const std::string text = bare(report);
  CHECK(text.find('<') == std::string::npos);
  CHECK(text.find("\\u003c/script>\\u003cb>") != std::string::npos);
  for (std::string_view rest = text; !rest.empty();) {
    const CodePoint point = first_code_point(rest);
    REQUIRE(point.valid);
    rest.remove_prefix(point.length);
  }
  const Json data = Json::parse(slot(report, Slot::data));
  std::string expected = golden::kHostileName;
  expected.replace(expected.find('\xff'), 3, "\xef\xbf\xbd\xef\xbf\xbd");
  CHECK(data["subjects"][0]["kills"][0]["comm"] == expected);
  CHECK(slot(report, Slot::text) == html::escape_html(render_text(report, {false, true, 100})));
}

TEST_CASE("text within HTML") {
  CHECK(html::escape_html("<a href=\"x\">&'") == "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
  CHECK(html::escape_html("one\ntwo\n") == "one\ntwo\n");
  CHECK(html::escape_html("\x1b[31m\xff\xe2\x80\xa8") == "\\x1b[31m\\xff\\xe2\\x80\\xa8");
  CHECK(html::escape_html("").empty());
}

TEST_CASE("a timeline is packed as differences") {
  CHECK(base64_of({}).empty());
  // 0 +3, 1 -3, 300 +2: 00 06 | 01 05 | ac 02 04
  CHECK(base64_of({{5, 3 << 12}, {6, 0}, {306, 2 << 12}}) == "AAYBBawCBA==");
  // A time that runs backwards stands still.
  CHECK(base64_of({{9, 1}, {3, 1}, {10, 1}}) == "AAIAAAEA");
  constexpr std::uint64_t kAll = ~std::uint64_t{0};
  CHECK(base64_of({{0, 1}, {kAll, kAll}}) == "AAL///////////8BAw==");
  CHECK(html::unit_bytes({{0, 8192}, {1, 4096}, {2, 0}}) == 4096);
  CHECK(html::unit_bytes({{0, 0}}) == 1);
  CHECK(html::unit_bytes({}) == 1);
}

TEST_CASE("a long timeline is base64 in pieces that fit together") {
  timeline::Series rows;
  for (std::uint64_t i = 0; i < 100'000; ++i) rows.emplace_back(i * 1'000'003, i % 977);
  std::size_t calls = 0;
  std::string joined;
  CHECK(html::write_base64(rows, [&](std::string_view chunk) -> Result<void> {
    ++calls;
    joined += chunk;
    return {};
  }));
  CHECK(calls > 5);
  CHECK(joined.find('=') >= joined.size() - 2);
  CHECK(joined.size() % 4 == 0);
  CHECK(joined.size() < rows.size() * 8);
}

TEST_CASE("a full disk ends the HTML with its error") {
  std::size_t calls = 0;
  const auto full = [&](std::string_view) -> Result<void> {
    return ++calls < 3 ? Result<void>{} : fail(ErrorKind::failed, "no space left");
  };
  const auto written = render_html(golden::oom_story_with_timeline(), full);
  REQUIRE_FALSE(written);
  CHECK(written.error().message == "no space left");
  CHECK(calls == 3);
}
