// The text report's sentences, as the page's data has them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "report/json_writer.h"
#include "report/page.h"

namespace memspike::report::html {

// [["usage", "lives at …", "plain"], …]
void write_facts(JsonWriter& json, std::string_view name, const std::vector<Labelled>& facts);

// Text with its glue as no-break spaces.
std::string plain(std::string_view glued);

std::string_view to_text(Tone tone);

}  // namespace memspike::report::html
