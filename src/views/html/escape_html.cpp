#include "views/html/escape_html.h"

#include "views/kit/escape.h"

namespace memspike::views::html {
namespace {

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    append_escaped(out, escape_terminal(text.substr(begin, end - begin)));
    if (end < text.size()) out += '\n';
    begin = end + 1;
  }
  return out;
}

Sink json_in_html(Sink sink) {
  return [sink = std::move(sink)](std::string_view json) -> Result<void> {
    std::string safe;
    safe.reserve(json.size());
    for (const char c : json) {
      if (c == '<') {
        safe += "\\u003c";
      } else {
        safe += c;
      }
    }
    return sink(safe);
  };
}

}  // namespace memspike::views::html
