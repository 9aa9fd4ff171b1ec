#include "views/kit/escape.h"

#include <fmt/core.h>

#include "base/utf8.h"

namespace memspike::views {
namespace {

// Characters that steer a terminal or a reader's eye instead of showing something.
bool is_hostile(char32_t value) {
  return value < 0x20 || (value >= 0x7f && value < 0xa0) ||                               // C0, DEL, C1
         value == 0x061c || value == 0x200e || value == 0x200f ||                         // bidi marks
         (value >= 0x202a && value <= 0x202e) || (value >= 0x2066 && value <= 0x2069) ||  // bidi overrides
         value == 0x2028 || value == 0x2029 ||                                            // line separators
         value == 0x200b || (value >= 0x2060 && value <= 0x2065) || value == 0xfeff ||    // zero width
         (value >= 0xfff9 && value <= 0xfffb) || (value >= 0xe0000 && value <= 0xe007f);  // annotations, tags
}

void append_hex_bytes(std::string& out, std::string_view bytes) {
  for (const char c : bytes) {
    out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  }
}

// JSON has \u for code units of UTF-16 only.
void append_json_escape(std::string& out, char32_t value) {
  if (value < 0x10000) {
    out += fmt::format("\\u{:04x}", static_cast<unsigned>(value));
    return;
  }
  const unsigned offset = static_cast<unsigned>(value) - 0x10000;
  out += fmt::format("\\u{:04x}\\u{:04x}", 0xd800 + (offset >> 10), 0xdc00 + (offset & 0x3ff));
}

std::string_view ellipsis(bool utf8) { return utf8 ? "…" : "..."; }

// The longest suffix that is at most `columns` wide.
std::string_view suffix_of_width(std::string_view text, std::size_t columns) {
  std::size_t width = display_width(text);
  while (width > columns) {
    const CodePoint point = first_code_point(text);
    width -= point.valid ? display_width(point.value) : point.length;
    text.remove_prefix(point.length);
  }
  return text;
}

}  // namespace

std::string escape_terminal(std::string_view text, bool utf8) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint point = first_code_point(text);
    const std::string_view bytes = text.substr(0, point.length);
    if (!point.valid || is_hostile(point.value) || (!utf8 && point.value >= 0x80)) {
      append_hex_bytes(out, bytes);
    } else {
      out += bytes;
    }
    text.remove_prefix(point.length);
  }
  return out;
}

std::string truncate_to_width(std::string_view text, std::size_t columns, bool utf8) {
  if (display_width(text) <= columns) return std::string(text);
  const std::string_view dots = prefix_of_width(ellipsis(utf8), columns);
  return std::string(prefix_of_width(text, columns - display_width(dots))).append(dots);
}

std::string truncate_middle(std::string_view text, std::size_t columns, bool utf8) {
  if (display_width(text) <= columns) return std::string(text);
  const std::string_view dots = prefix_of_width(ellipsis(utf8), columns);
  const std::size_t kept = columns - display_width(dots);
  return std::string(prefix_of_width(text, kept - kept / 2))
      .append(dots)
      .append(suffix_of_width(text, kept / 2));
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  while (!text.empty()) {
    const CodePoint point = first_code_point(text);
    if (!point.valid) {
      out += "\xef\xbf\xbd";
    } else if (point.value == '"' || point.value == '\\') {
      out += '\\';
      out += static_cast<char>(point.value);
    } else if (is_hostile(point.value)) {
      append_json_escape(out, point.value);
    } else {
      out += text.substr(0, point.length);
    }
    text.remove_prefix(point.length);
  }
  out += '"';
}

std::string escape_csv(std::string_view text) {
  std::string visible = escape_terminal(text);
  const bool outer_space = !visible.empty() && (visible.front() == ' ' || visible.back() == ' ');
  if (visible.find_first_of(",\"") == std::string::npos && !outer_space) return visible;
  std::string out = "\"";
  for (const char c : visible) {
    if (c == '"') out += '"';
    out += c;
  }
  return out += '"';
}

}  // namespace memspike::views
