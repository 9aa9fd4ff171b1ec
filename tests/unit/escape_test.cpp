#include "views/kit/escape.h"

#include <catch2/catch.hpp>

#include "base/utf8.h"

using namespace memspike;
using namespace memspike::views;

namespace {

std::string json(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

}  // namespace

TEST_CASE("UTF-8 is decoded strictly") {
  CHECK(first_code_point("\xc3\xa9x").value == 0xe9);
  CHECK(first_code_point("\xf0\x9f\x98\x80").value == 0x1f600);
  CHECK(first_code_point("").length == 0);
  struct Bad {
    const char* bytes;
    std::size_t length;
  };
  // Lone continuation, overlong, surrogate, above U+10FFFF, cut short, never legal.
  for (const Bad& bad : {Bad{"\x80", 1}, Bad{"\xc0\xaf", 1}, Bad{"\xe0\x80\x80", 1}, Bad{"\xed\xa0\x80", 1},
                         Bad{"\xf4\x90\x80\x80", 1}, Bad{"\xe2\x82", 2}, Bad{"\xf0\x9f\x98", 3},
                         Bad{"\xe2(", 1}, Bad{"\xff", 1}}) {
    const CodePoint point = first_code_point(bad.bytes);
    INFO(escape_terminal(bad.bytes, false));
    CHECK_FALSE(point.valid);
    CHECK(point.length == bad.length);
  }
}

TEST_CASE("terminals see what would steer them") {
  CHECK(escape_terminal("plain text, \"quotes\" & <b>") == "plain text, \"quotes\" & <b>");
  CHECK(escape_terminal("\x1b[31m\x07\r\n\t\x7f") == "\\x1b[31m\\x07\\x0d\\x0a\\x09\\x7f");
  CHECK(escape_terminal(std::string_view("a\0b", 3)) == "a\\x00b");
  CHECK(escape_terminal("\xc2\x9b"
                        "31m") == "\\xc2\\x9b31m");  // C1 CSI
  CHECK(escape_terminal("\xe2\x80\xae"
                        "txt.exe") == "\\xe2\\x80\\xaetxt.exe");  // U+202E
  CHECK(escape_terminal("\xe2\x81\xa6") == "\\xe2\\x81\\xa6");    // U+2066
  CHECK(escape_terminal("\xe2\x80\x8b\xef\xbb\xbf") == "\\xe2\\x80\\x8b\\xef\\xbb\\xbf");
  CHECK(escape_terminal("caf\xc3\xa9 \xff") == "caf\xc3\xa9 \\xff");
  CHECK(escape_terminal("caf\xc3\xa9", false) == "caf\\xc3\\xa9");
  CHECK(escape_terminal("system-a\\x2db.slice") == "system-a\\x2db.slice");
}

TEST_CASE("JSON strings are valid whatever the bytes") {
  CHECK(json("a\"b\\c/") == R"("a\"b\\c/")");
  CHECK(json("\n\x01\x7f") == R"("\u000a\u0001\u007f")");
  CHECK(json("\xc2\x85\xe2\x80\xa8\xe2\x80\xae") == R"("\u0085\u2028\u202e")");
  CHECK(json("\xf3\xa0\x80\x81") == R"("\udb40\udc01")");  // U+E0001, a tag
  CHECK(json("\xff|\xe2\x82|\xed\xa0\x80") ==
        "\"\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"");
  CHECK(json("\xe4\xb8\xad\xf0\x9f\x98\x80") == "\"\xe4\xb8\xad\xf0\x9f\x98\x80\"");
}

TEST_CASE("CSV fields are quoted where RFC 4180 wants it, and stay on a line") {
  CHECK(escape_csv("/kubepods/pod1") == "/kubepods/pod1");
  CHECK(escape_csv("/a,b") == "\"/a,b\"");
  CHECK(escape_csv("/a\"b") == "\"/a\"\"b\"");
  CHECK(escape_csv("/a\nb\rc") == "/a\\x0ab\\x0dc");
  CHECK(escape_csv("/a ") == "\"/a \"");
  CHECK(escape_csv("/\xff") == "/\\xff");
  CHECK(escape_csv("") == "");
}

TEST_CASE("width is counted in terminal columns") {
  CHECK(display_width("abc") == 3);
  CHECK(display_width("e\xcc\x81") == 1);                 // e and a combining acute
  CHECK(display_width("\xe4\xb8\xad\xe6\x96\x87") == 4);  // two wide characters
  CHECK(display_width("\xf0\x9f\x98\x80") == 2);          // emoji
  CHECK(display_width("\xe2\x96\x88\xe2\x80\xa6") == 2);  // block, ellipsis
  CHECK(display_width("\xff\xff") == 2);
}

TEST_CASE("cut text keeps to its width and shows that it was cut") {
  CHECK(truncate_to_width("abcdef", 6) == "abcdef");
  CHECK(truncate_to_width("abcdef", 5) == "abcd\xe2\x80\xa6");
  CHECK(truncate_to_width("abcdef", 5, false) == "ab...");
  CHECK(truncate_to_width("abcdef", 2, false) == "..");
  CHECK(truncate_to_width("abcdef", 0) == "");
  CHECK(truncate_to_width("\xe4\xb8\xad\xe6\x96\x87x", 4) ==
        "\xe4\xb8\xad\xe2\x80\xa6");  // no half character
  CHECK(truncate_middle("abcdefghij", 7) == "abc\xe2\x80\xa6hij");
  CHECK(truncate_middle("abcdefghij", 6, false) == "ab...j");
  CHECK(truncate_middle("abc", 3) == "abc");
}
