#include "views/json/json.h"

#include <string_view>

#include "views/json/fields.h"
#include "views/json/json_fields.h"

namespace memspike::views {

Result<void> render_json(const report::Report& report, const Sink& sink) {
  JsonWriter json(sink);
  JsonFields fields(json, report);
  json.begin_object();
  describe(fields, report);
  json.end_object();
  return json.finish();
}

std::string render_json(const report::Report& report) {
  std::string text;
  const auto append = [&](std::string_view chunk) -> Result<void> {
    text += chunk;
    return {};
  };
  static_cast<void>(render_json(report, append));  // appending to a string cannot fail
  return text;
}

}  // namespace memspike::views
