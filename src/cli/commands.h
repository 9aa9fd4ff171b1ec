// The commands. Each returns the process's exit code.
#pragma once

#include "cli/options.h"

namespace memspike::cli {

int execute(const RecordCommand& command);
int execute(const RunCommand& command);
int execute(const ReportCommand& command);
int execute(const ListCommand& command);
int execute(const DoctorCommand& command);
int execute(const ServeCommand& command);
int execute(const WhyCommand& command);
int execute(const KillsCommand& command);
int execute(const LastCommand& command);
int execute(const StatusCommand& command);

}  // namespace memspike::cli
