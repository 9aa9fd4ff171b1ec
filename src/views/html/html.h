// The report as one HTML file that needs nothing else: no network, no second file.
#pragma once

#include <span>
#include <string_view>

#include "report/report.h"
#include "views/kit/sink.h"

namespace memspike::views {

// Streams the page. The sink's first error, if there was one. Charts need the timelines
// (LifeOptions::keep_timeline); without one a section has its tables only.
//
// Untrusted text reaches the page in two ways: in JSON whose every "<" is \u003c, which the script
// shows as text only, and as escaped HTML. The page's Content-Security-Policy allows its own script
// and style by their hashes, and nothing else.
Result<void> render_html(const report::Report& report, const Sink& sink);

// The page is a template, cut where the report goes in.
enum class Slot {
  none,
  title,      // what the browser's tab says
  text,       // the text report, for readers without JavaScript, and to paste into a ticket
  data,       // JSON: all but the timelines
  timelines,  // a script element of packed rows for each memcg
};

struct Piece {
  std::string_view text;
  Slot slot = Slot::none;  // what follows the text
};

// src/views/html/page, put together when memspike is built.
std::span<const Piece> built_in_page();

// The same with another page around it.
Result<void> render_html(const report::Report& report, const Sink& sink, std::span<const Piece> page);

}  // namespace memspike::views
