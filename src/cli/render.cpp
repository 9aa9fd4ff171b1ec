#include "cli/render.h"

#include <unistd.h>

namespace memspike::cli {

Result<void> check_terminal(Format format, const Output& output) {
  const FormatRow& row = row_of(format);
  if (row.not_shown == nullptr || isatty(output.fd()) == 0) return {};
  return fail(ErrorKind::usage, row.not_shown, "give a file with -o FILE");
}

Result<void> render(const report::Report& report, const OutputOptions& options, int fd,
                    const views::Sink& sink) {
  const FormatRow& row = row_of(options.format);
  return row.render != nullptr ? row.render(report, options, fd, sink) : Result<void>{};
}

}  // namespace memspike::cli
