#include "views/html/sentences.h"

namespace memspike::views::html {

std::string plain(std::string_view glued) {
  std::string text;
  for (const char c : glued) {
    if (c == kGlue) {
      text += "\xc2\xa0";
    } else {
      text += c;
    }
  }
  return text;
}

std::string_view to_text(Tone tone) {
  switch (tone) {
    case Tone::plain:
      return "plain";
    case Tone::strong:
      return "strong";
    case Tone::faint:
      return "faint";
    case Tone::good:
      return "good";
    case Tone::warn:
      return "warn";
    case Tone::alarm:
      return "alarm";
  }
  return "plain";
}

void write_facts(JsonWriter& json, std::string_view name, const Facts& facts) {
  json.key(name);
  json.begin_array();
  for (const Labelled& fact : facts) {
    json.begin_array(JsonWriter::Layout::inline_);
    json.value(fact.label);
    json.value(plain(fact.text));
    json.value(to_text(fact.tone));
    json.end_array();
  }
  json.end_array();
}

}  // namespace memspike::views::html
