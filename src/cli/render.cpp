#include "cli/render.h"

#include "cli/terminal.h"
#include "report/html/html.h"
#include "report/json.h"
#include "report/openmetrics.h"
#include "report/text.h"

namespace memspike::cli {

Result<void> render(const report::Report& report, Format format, Output& output) {
  const auto sink = [&output](std::string_view text) { return output.write(text); };
  switch (format) {
    case Format::text:
      return output.write(report::render_text(report, style_for(output.fd())));
    case Format::json:
      return report::render_json(report, sink);
    case Format::html:
      return report::render_html(report, sink);
    case Format::openmetrics:
      return report::render_openmetrics(report, sink);
    case Format::csv:
    case Format::perfetto:
      break;
  }
  return {};
}

}  // namespace memspike::cli
