// The text report's sentences, as the page's data has them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "views/kit/json_writer.h"
#include "views/kit/page.h"

namespace memspike::views::html {

// [["usage", "lives at …", "plain"], …]
void write_facts(JsonWriter& json, std::string_view name, const Facts& facts);

// Text with its glue as no-break spaces.
std::string plain(std::string_view glued);

std::string_view to_text(Tone tone);

}  // namespace memspike::views::html
