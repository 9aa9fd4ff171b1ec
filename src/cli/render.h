// A report in the format that was asked for.
#pragma once

#include "cli/options.h"
#include "cli/output.h"
#include "report/report.h"
#include "views/kit/sink.h"

namespace memspike::cli {

// Nothing for a timeline (csv) and a recording (perfetto): those are written as they come. fd: where it will
// be seen, for its style.
Result<void> render(const report::Report& report, const OutputOptions& options, int fd,
                    const views::Sink& sink);

// Whether the output can take the format: a profile is no text for a terminal.
Result<void> check_terminal(Format format, const Output& output);

}  // namespace memspike::cli
