// Text made harmless within an HTML page.
#pragma once

#include <string>
#include <string_view>

#include "views/kit/sink.h"

namespace memspike::views::html {

// For an element's content or a quoted attribute. Controls and invalid UTF-8 become \xNN, as on a
// terminal; line ends stay.
std::string escape_html(std::string_view text);

// A sink for JSON that goes into a script element. There only "<" can end the element or open a
// comment, and in JSON it can only be within a string: it becomes \u003c.
Sink json_in_html(Sink sink);

}  // namespace memspike::views::html
