#include "cli/render.h"

#include <unistd.h>

#include "cli/terminal.h"
#include "report/folded.h"
#include "report/html/html.h"
#include "report/json.h"
#include "report/openmetrics.h"
#include "report/pprof.h"
#include "report/text.h"

namespace memspike::cli {

Result<void> check_terminal(Format format, const Output& output) {
  if (format != Format::pprof || isatty(output.fd()) == 0) return {};
  return fail(ErrorKind::usage, "a pprof profile is no text for a terminal", "give a file with -o FILE");
}

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
    case Format::folded:
      return output.write(report::render_folded(report));
    case Format::pprof:
      return report::render_pprof(report).and_then(sink);
    case Format::csv:
    case Format::perfetto:
      break;
  }
  return {};
}

}  // namespace memspike::cli
