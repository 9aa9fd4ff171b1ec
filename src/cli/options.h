// The command line, parsed and checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "cgroup/roots.h"
#include "cgroup/target.h"
#include "recording/window.h"
#include "report/builder.h"

namespace memspike::cli {

enum class Format { text, json, csv, html, openmetrics, perfetto, folded, pprof };

struct OutputOptions {
  Format format = Format::text;
  std::optional<std::string> file;         // unset: stdout (`run`'s text: stderr)
  std::optional<std::string> csv_file;     // the timeline as CSV beside the result
  std::optional<std::string> record_file;  // the recording beside the result
  bool timeline = false;
};

struct TraceOptions {
  std::optional<std::uint64_t> duration_ns;
  std::optional<std::uint64_t> min_prominence_bytes;
  std::uint64_t dossier_window_ns = 1'000'000'000;
  std::uint64_t sweep_period_ns = 1'000'000;
  std::uint32_t ring_bytes = 4U << 20;
  std::uint32_t max_memcgs = 1024;
  bool stacks = false;
  bool self = false;
  std::string tier = "auto";  // auto, tracepoint, charge
  std::vector<std::string> disabled_features;
};

struct CommonOptions {
  cgroup::Roots roots;
  bool quiet = false;
  bool verbose = false;
};

struct RecordCommand {
  CommonOptions common;
  TraceOptions trace;
  OutputOptions output;
  cgroup::TargetSpec target;
  bool wait = false;
  std::optional<std::uint64_t> wait_ns;  // unset: forever
};

struct RunCommand {
  CommonOptions common;
  TraceOptions trace;
  OutputOptions output;
  std::optional<std::uint64_t> limit_bytes;
  std::vector<std::string> command;
};

struct ReportCommand {
  CommonOptions common;
  std::string file;  // "-": stdin
  OutputOptions output;
  std::optional<std::uint64_t> min_prominence_bytes;
  std::optional<std::uint64_t> dossier_window_ns;  // unset: a second
  std::vector<std::string> containers;
  recording::Span span;
};

struct ListCommand {
  CommonOptions common;
  Format format = Format::text;
};

struct DoctorCommand {
  CommonOptions common;
  Format format = Format::text;
  std::vector<std::string> disabled_features;
};

using Command = std::variant<RecordCommand, RunCommand, ReportCommand, ListCommand, DoctorCommand>;

// What a builder has to keep for this output.
report::BuilderOptions builder_options(const OutputOptions& output,
                                       std::optional<std::uint64_t> min_prominence_bytes,
                                       std::uint64_t dossier_window_ns);

// Either a command, or the exit code of a run that is over (help, version, usage
// error: what there was to say has been printed).
using Parsed = std::variant<Command, int>;

Parsed parse_command_line(int argc, const char* const* argv);

}  // namespace memspike::cli
