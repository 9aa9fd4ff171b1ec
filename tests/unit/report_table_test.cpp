#include <catch2/catch.hpp>

#include "base/utf8.h"
#include "views/kit/style.h"
#include "views/kit/table.h"

using namespace memspike::views;

namespace {

Table sample() {
  Table table({{"name", Align::left, 0, 8}, {"size", Align::right}, {"remark", Align::left, 1}});
  table.add_row({"app", "50.0 MiB", "ok"});
  table.add_row({"a-rather-long-name", {"1 B", Tone::alarm}});
  return table;
}

}  // namespace

TEST_CASE("a table aligns its columns and leaves no trailing space") {
  CHECK(sample().render({false, true, 80}) ==
        "name                    size  remark\n"
        "app                 50.0 MiB  ok\n"
        "a-rather-long-name       1 B\n");
  CHECK(sample().render({false, true, 80}, 2).substr(0, 6) == "  name");
}

TEST_CASE("a table that is too wide narrows its gaps, drops, and cuts, in this order") {
  CHECK(sample().render({false, true, 30}) ==
        "name              size  remark\n"
        "app           50.0 MiB  ok\n"
        "a-rath…-name       1 B\n");
  CHECK(sample().render({false, true, 24}) ==
        "name         size remark\n"
        "app      50.0 MiB ok\n"
        "a-ra…ame      1 B\n");
  CHECK(sample().render({false, true, 18}) ==
        "name          size\n"
        "app       50.0 MiB\n"
        "a-ra…ame       1 B\n");
}

TEST_CASE("an ellipsis never eats a number, at any width, and the table keeps to it") {
  Table table(
      {{"time"}, {"peak", Align::right}, {"mostly by", Align::left, 1, 8}, {"command", Align::left, 0, 6}});
  table.add_row({"10:06:13", "50.0 MiB", "gosave-worker 50.0 %", "/usr/bin/gosave --all"});
  table.add_row({"10:06:14", "51.0 MiB", "python3 100 %", "x 12.4 \xc2\xb5s"});
  table.add_row({"10:06:15", "52.0 MiB", "a-very-long-thread-name 7 %", ""});
  for (const bool utf8 : {true, false}) {
    for (unsigned columns = 10; columns <= 300; ++columns) {
      const std::string text = table.render({false, utf8, columns});
      std::size_t begin = 0;
      for (std::size_t end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
        INFO(columns << ": " << text.substr(begin, end - begin));
        CHECK(memspike::display_width(std::string_view(text).substr(begin, end - begin)) <= columns);
      }
      INFO(text);
      for (const char* number : {"50.0 %", "100 %", "7 %"}) {
        const bool shown = text.find("mostly by") != std::string::npos;
        if (shown) CHECK(text.find(std::string(" ") + number) != std::string::npos);
      }
    }
  }
}

TEST_CASE("a table escapes its cells and colours only text") {
  Table table({{"comm"}, {"pid", Align::right}});
  table.add_row({{"\x1b[2J", Tone::alarm}, "1"});
  CHECK(table.render({false, true, 80}) == "comm     pid\n\\x1b[2J    1\n");
  CHECK(table.render({true, true, 80}) ==
        "\x1b[2mcomm\x1b[0m     \x1b[2mpid\x1b[0m\n\x1b[1;31m\\x1b[2J\x1b[0m    1\n");
}

TEST_CASE("a table of wide characters stays aligned") {
  Table table({{"name"}, {"n", Align::right}});
  table.add_row({"\xe4\xb8\xad\xe6\x96\x87", "1"});
  table.add_row({"abcd", "22"});
  CHECK(table.render({false, true, 80}) == "name   n\n\xe4\xb8\xad\xe6\x96\x87   1\nabcd  22\n");
}

TEST_CASE("a header-less table has no header line") {
  Table table({{""}, {""}});
  table.add_row({"a", "b"});
  CHECK(table.render({false, true, 80}) == "a  b\n");
}

TEST_CASE("plurals and thousands") {
  CHECK(counted(0, "kill") == "0 kills");
  CHECK(counted(1, "kill") == "1 kill");
  CHECK(counted(12'345, "kill") == "12,345 kills");
  CHECK(counted(2, "record was", "records were") == "2 records were");
  CHECK(grouped(999) == "999");
  CHECK(grouped(1'000) == "1,000");
  CHECK(grouped(18'446'744'073'709'551'615u) == "18,446,744,073,709,551,615");
}

TEST_CASE("words are filled into lines, units stay with their numbers") {
  CHECK(wrap("one two three", 7) == std::vector<std::string>{"one two", "three"});
  CHECK(wrap("one two three", 9, 2) == std::vector<std::string>{"one two", "  three"});
  CHECK(wrap(std::string("peak 50.0") + kGlue + "MiB", 12) == std::vector<std::string>{"peak", "50.0 MiB"});
  CHECK(wrap("abcdefgh", 3) == std::vector<std::string>{"abc", "def", "gh"});
  CHECK(wrap("/kubepods/pod1/app", 12) == std::vector<std::string>{"/kubepods", "/pod1/app"});
  CHECK(wrap("", 10) == std::vector<std::string>{""});
  CHECK(wrap("\xe4\xb8\xad", 1) == std::vector<std::string>{"\xe4\xb8\xad"});
}
