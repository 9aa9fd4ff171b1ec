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
#include "cli/condition.h"
#include "cli/formats.h"
#include "cli/replay.h"
#include "lives/life_table.h"
#include "views/text/parts.h"

namespace memspike::cli {

inline constexpr const char* kServiceSocket = "/run/memspike/memspike.sock";

struct OutputOptions {
  Format format = Format::text;
  std::optional<std::string> file;         // unset: stdout (`run`'s text: stderr)
  std::optional<std::string> csv_file;     // the timeline as CSV beside the result
  std::optional<std::string> record_file;  // the recording beside the result
  bool timeline = false;
  bool kernel_frames = false;
  bool full = false;            // of the text report: all parts
  views::TextParts text_parts;  // … or these; neither: the short one
};

struct TraceOptions {
  std::optional<std::uint64_t> duration_ns;
  std::optional<std::uint64_t> min_prominence_bytes;
  std::uint64_t dossier_window_ns = 1'000'000'000;
  std::uint64_t sweep_period_ns = 1'000'000;
  std::uint32_t ring_bytes = 4U << 20;
  std::uint32_t max_memcgs = 1024;
  std::string stacks = {};  // "" or off, auto, fp, dwarf
  bool self = false;
  std::string detail = "pages";  // auto, sweep, charges, pages
  std::string tier = "auto";     // auto, tracepoint, charge
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
  std::optional<std::string> named;  // instead: something on this node, whatever it is
  bool wait = false;
  std::optional<std::uint64_t> wait_ns;  // unset: forever
};

struct RunCommand {
  CommonOptions common;
  TraceOptions trace;
  OutputOptions output;
  std::optional<std::uint64_t> limit_bytes;
  std::vector<Condition> fail_if;
  std::vector<std::string> command;
};

struct ReportCommand {
  CommonOptions common;
  std::string file;  // "-": stdin
  OutputOptions output;
  std::optional<std::uint64_t> min_prominence_bytes;
  std::optional<std::uint64_t> dossier_window_ns;  // unset: a second
  std::vector<std::string> containers;
  Part part;
  std::optional<Moment> spike;         // of the stacks those of the spike at that moment
  std::optional<std::size_t> session;  // of recordings that were concatenated, from 1; unset: each
};

struct ListCommand {
  CommonOptions common;
  Format format = Format::text;
  std::string socket = kServiceSocket;  // of a service that may know more
};

struct DoctorCommand {
  CommonOptions common;
  Format format = Format::text;
  std::vector<std::string> disabled_features;
};

struct ServeCommand {
  CommonOptions common;
  TraceOptions trace;
  std::string scope = "pods";
  std::vector<std::string> namespaces;
  std::vector<std::string> excluded;
  std::uint64_t keep_ns = 60'000'000'000;
  std::uint64_t after_ns = 10'000'000'000;
  std::uint64_t memory_bytes = std::uint64_t{32} << 20;
  std::string data_dir = "/var/lib/memspike";
  std::size_t dossiers = 200;
  std::uint64_t dossier_bytes = std::uint64_t{512} << 20;
  std::uint32_t moves_per_second = 10'000;  // of one memcg, that are told one by one; 0: all
  std::string socket = kServiceSocket;
  std::optional<std::string> metrics;  // ADDRESS:PORT
  bool page = false;                   // on the metrics' port, too
  bool redact = false;                 // command lines
  bool log_json = false;
  std::string config;                  // a file of more options; "": none
  std::vector<std::string> arguments;  // as given, to be read again
};

// Questions to a service.
struct AskCommand {
  CommonOptions common;
  std::string socket = kServiceSocket;
  std::string target;
};
struct WhyCommand : AskCommand {
  Format format = Format::text;
};
struct KillsCommand : AskCommand {
  Format format = Format::text;
  std::optional<std::uint64_t> since_ns;  // ago
};
struct LastCommand : AskCommand {
  std::uint64_t for_ns = 60'000'000'000;
  OutputOptions output;
};
struct StatusCommand : AskCommand {
  Format format = Format::text;
};

using Command = std::variant<RecordCommand, RunCommand, ReportCommand, ListCommand, DoctorCommand,
                             ServeCommand, WhyCommand, KillsCommand, LastCommand, StatusCommand>;

// What has to be kept of lives for this output.
lives::LifeOptions life_options(const OutputOptions& output,
                                std::optional<std::uint64_t> min_prominence_bytes,
                                std::uint64_t dossier_window_ns);

// Either a command, or the exit code of a run that is over (help, version, usage
// error: what there was to say has been printed).
using Parsed = std::variant<Command, int>;

Parsed parse_command_line(int argc, const char* const* argv);

}  // namespace memspike::cli
