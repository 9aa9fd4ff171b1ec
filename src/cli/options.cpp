#include "cli/options.h"

#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <bit>

#include "base/units.h"
#include "cgroup/suggest.h"
#include "cgroup/text.h"
#include "cli/exit_code.h"

namespace memspike::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  memspike list
  memspike record --pod-uid 3f2a1b4c -d 5m
  memspike record --pod shop/checkout-7d9f --container app -f json -o spikes.json
  memspike record --pod-uid 3f2a1b4c --wait=2m
  memspike record --pod-uid 3f2a1b4c -d 1h -o night.pftrace
  memspike report night.pftrace --from 12m --to 13m
  memspike record --pod shop/checkout-7d9f -d 5m -f html -o report.html
  memspike record --pod-uid 3f2a1b4c -d 1h -f openmetrics -o memspike.prom
  memspike run --limit 50Mi -- stress-ng --vm 1 --vm-bytes 60M -t 5

Sizes: 50Mi, 50M, 1.5Gi, 52428800. Durations: 500ms, 30s, 5m, 1h30m.
Exit codes: 0 done, 1 failed, 2 usage, 3 target not found or ambiguous,
4 this kernel or these privileges cannot do it. `run` exits as its command did
(128 + signal when it was killed).)";

// A CLI11 validator that turns the option's text into a number by `parse`.
template <class Number>
CLI::Option* add_quantity(CLI::App* app, const std::string& name, std::optional<Number>& target,
                          Result<std::uint64_t> (*parse)(std::string_view), const std::string& type,
                          const std::string& description) {
  return app
      ->add_option_function<std::string>(
          name,
          [&target, parse, name](const std::string& text) {
            const auto value = parse(text);
            if (!value) throw CLI::ValidationError(name, value.error().message + "; " + value.error().advice);
            target = static_cast<Number>(*value);
          },
          description)
      ->type_name(type);
}

void add_format(CLI::App* app, Format& format, const std::vector<std::string>& names) {
  static const std::map<std::string, Format> formats{{"text", Format::text},
                                                     {"json", Format::json},
                                                     {"csv", Format::csv},
                                                     {"html", Format::html},
                                                     {"openmetrics", Format::openmetrics},
                                                     {"perfetto", Format::perfetto},
                                                     {"folded", Format::folded},
                                                     {"pprof", Format::pprof}};
  app->add_option_function<std::string>(
         "-f,--format", [&format](const std::string& name) { format = formats.at(name); },
         "Output format (default: text)")
      ->type_name(CLI::detail::join(names, "|"))
      ->check(CLI::IsMember(names).description(""));
}

void add_roots(CLI::App* app, CommonOptions& common) {
  app->add_option_function<std::string>(
         "--cgroup-root", [&common](const std::string& dir) { common.roots.cgroup_root = dir; },
         "Where the memory controller is mounted (default: from the mount table)")
      ->type_name("DIR");
  app->add_option_function<std::string>(
         "--host-root", [&common](const std::string& dir) { common.roots.host_root = dir; },
         "Where the host's /proc, /var and /run are (default: /)")
      ->type_name("DIR");
}

void add_talk(CLI::App* app, CommonOptions& common) {
  app->add_flag("-q,--quiet", common.quiet, "Only errors on stderr, no live status line");
  app->add_flag("-v,--verbose", common.verbose, "Say what is done and why");
}

std::vector<std::string> names_of(const std::vector<const CLI::App*>& commands) {
  std::vector<std::string> names;
  for (const CLI::App* command : commands) names.push_back(command->get_name());
  return names;
}

std::vector<std::string> names_of(const std::vector<const CLI::Option*>& options) {
  std::vector<std::string> names;
  for (const CLI::Option* option : options) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

// Only what is alike by half or more: a guess at anything would be noise.
std::string did_you_mean(std::string_view wanted, const std::vector<std::string>& names) {
  const std::size_t nearest = cgroup::nearest(wanted, names);
  if (nearest >= names.size() || cgroup::edit_distance(wanted, names[nearest]) > wanted.size() / 2) return "";
  return fmt::format("; did you mean {}?", names[nearest]);
}

// CLI11 says of a misspelled command that one is missing, and of an option that it was not expected: better
// is what was meant. `first`: the first argument.
std::string explain(const CLI::App& app, const CLI::Error& error, const std::string& first) {
  const auto chosen = app.get_subcommands();
  if (chosen.empty() && !first.empty()) {
    const bool is_option = first.front() == '-';
    const auto commands = app.get_subcommands([](const CLI::App*) { return true; });
    const std::string hint =
        did_you_mean(first, is_option ? names_of(app.get_options()) : names_of(commands));
    if (is_option && hint.empty()) return error.what();
    return fmt::format("there is no {} \"{}\"{}", is_option ? "option" : "command", cgroup::printable(first),
                       hint);
  }
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr && !chosen.empty()) {
    for (const std::string& extra : app.remaining(true)) {
      if (extra.rfind("--", 0) != 0) continue;
      const CLI::App* command = chosen.front();
      const std::string name = extra.substr(0, extra.find('='));
      return fmt::format("{} has no option \"{}\"{}", command->get_name(), cgroup::printable(name),
                         did_you_mean(name, names_of(command->get_options())));
    }
  }
  return error.what();
}

// Options that have no default of their own to show are bound through optionals.
struct Raw {
  std::optional<std::uint64_t> dossier_window_ns;
  std::optional<std::uint64_t> ring_bytes;
  std::optional<std::uint64_t> sweep_period_ns;
};

void add_output(CLI::App* app, OutputOptions& output) {
  add_format(app, output.format,
             {"text", "json", "csv", "html", "openmetrics", "perfetto", "folded", "pprof"});
  app->add_option("-o,--output", output.file,
                  "Write the result there instead of to stdout; a name that ends in\n"
                  ".pftrace asks for a recording (-f perfetto)")
      ->type_name("FILE");
  app->add_option("--record", output.record_file,
                  "Write a recording there, beside the result: for `memspike report` and Perfetto")
      ->type_name("FILE");
  app->add_option("--csv", output.csv_file, "Write the timeline as CSV there, beside the result")
      ->type_name("FILE");
  app->add_flag("--timeline", output.timeline, "Put every row of the timeline into the JSON");
}

void add_trace(CLI::App* app, TraceOptions& trace, Raw& raw) {
  add_quantity(app, "--min-prominence", trace.min_prominence_bytes, parse_size_bytes, "SIZE",
               "Smallest prominence of a spike (default: the larger of 1Mi and 5 % of the limit)");
  app->add_flag("--stacks", trace.stacks,
                "Record kernel and user stacks where the counter rises; show the top ones");
  app->add_flag("--self", trace.self,
                "Measure the BPF programs, too: how many ns an event costs (measuring adds some 50)");
  add_quantity(app, "--dossier-window", raw.dossier_window_ns, parse_duration_ns, "DURATION",
               "How much of the time before an OOM kill is kept and drawn (default: 1s)");
  add_quantity(app, "--sweep", raw.sweep_period_ns, parse_duration_ns, "DURATION",
               "Period of the look at every memcg, whoever moved it (default: 1ms)")
      ->group("Advanced");
  add_quantity(app, "--ring", raw.ring_bytes, parse_size_bytes, "SIZE",
               "Ring buffer between kernel and memspike, a power of two (default: 4Mi)")
      ->group("Advanced");
  app->add_option("--max-memcgs", trace.max_memcgs, "Memcgs tracked at the same time (default: 1024)")
      ->type_name("N")
      ->check(CLI::Range(1U, 65536U).description(""))
      ->group("Advanced");
  app->add_option("--tier", trace.tier,
                  "How moves of the counter are caught: at its charge functions, or at tracepoints\n"
                  "(default: auto, the best that this kernel allows)")
      ->type_name("auto|tracepoint|charge")
      ->check(CLI::IsMember({"auto", "tracepoint", "charge"}).description(""))
      ->group("Advanced");
  app->add_option("--disable-feature", trace.disabled_features,
                  "Do without a kernel feature that `memspike doctor` lists")
      ->type_name("NAME")
      ->group("Advanced");
}

void check_output(OutputOptions& output, TraceOptions& trace, const CLI::App& app) {
  constexpr std::string_view kSuffix = ".pftrace";
  if (app.count("--format") == 0 && output.file && output.file->ends_with(kSuffix)) {
    output.format = Format::perfetto;
  }
  // These two are made of nothing else.
  if (output.format == Format::folded || output.format == Format::pprof) trace.stacks = true;
  if (output.format == Format::perfetto) {
    if (output.record_file)
      throw CLI::ValidationError("--record", "is for a result that is no recording itself");
    if (!output.file && isatty(STDOUT_FILENO) == 1) {
      throw CLI::ValidationError("--format", "a recording is not for a terminal: give it a file with -o");
    }
  }
  if (output.csv_file && output.format == Format::csv) {
    throw CLI::ValidationError("--csv",
                               "is for a report beside it: with -f csv the result is the timeline already");
  }
}

void check_trace(TraceOptions& trace, const Raw& raw) {
  trace.dossier_window_ns = raw.dossier_window_ns.value_or(trace.dossier_window_ns);
  constexpr std::uint64_t kMinRing = 4096;
  constexpr std::uint64_t kMaxRing = 1ULL << 30;
  constexpr std::uint64_t kMinSweepNs = 100'000;
  if (raw.ring_bytes) {
    if (!std::has_single_bit(*raw.ring_bytes) || *raw.ring_bytes < kMinRing || *raw.ring_bytes > kMaxRing) {
      throw CLI::ValidationError("--ring", "must be a power of two between 4Ki and 1Gi");
    }
    trace.ring_bytes = static_cast<std::uint32_t>(*raw.ring_bytes);
  }
  if (raw.sweep_period_ns) {
    if (*raw.sweep_period_ns < kMinSweepNs) throw CLI::ValidationError("--sweep", "must be at least 100us");
    trace.sweep_period_ns = *raw.sweep_period_ns;
  }
}

void add_record(CLI::App& app, RecordCommand& record, Raw& raw) {
  CLI::App* sub =
      app.add_subcommand("record", "Trace a pod, a cgroup or a process's cgroup; report at the end");
  // A plain group: an option group would come last in the help. That exactly one is given is checked by
  // check_spec, which knows better what to advise.
  constexpr const char* kTarget = "TARGET, exactly one of";
  sub->add_option("--pod-uid", record.target.pod_uid, "A pod, by UID or any unique beginning of it")
      ->type_name("UID")
      ->group(kTarget);
  sub->add_option("--pod", record.target.pod, "A pod, by name")->type_name("NAMESPACE/NAME")->group(kTarget);
  sub->add_option("--cgroup", record.target.cgroup_path, "A memory cgroup, by path")
      ->type_name("PATH")
      ->group(kTarget);
  sub->add_option("--pid", record.target.pid, "The memory cgroup that a process is in; ends with it")
      ->type_name("PID")
      ->group(kTarget);
  // Made anew, so that its group comes after the target's: groups are shown in the order of options.
  sub->set_help_flag("-h,--help", "Print this help message and exit");
  sub->add_option("--container", record.target.containers,
                  "Report these containers of the pod only (repeatable)")
      ->type_name("NAME|ID");
  add_quantity(sub, "-d,--duration", record.trace.duration_ns, parse_duration_ns, "DURATION",
               "Stop after this long (default: at SIGINT, SIGTERM or when the target is gone)");
  sub->add_option_function<std::string>(
         "--wait",
         [&record](const std::string& text) {
           record.wait = true;
           if (text.empty()) return;
           const auto value = parse_duration_ns(text);
           if (!value) throw CLI::ValidationError("--wait", value.error().message);
           record.wait_ns = *value;
         },
         "Start before the target exists; give up after DURATION (default: never)")
      ->type_name("[=DURATION]")
      ->expected(0, 1);
  add_output(sub, record.output);
  add_trace(sub, record.trace, raw);
  add_roots(sub, record.common);
  add_talk(sub, record.common);
  sub->final_callback([&record, &raw, sub] {
    check_output(record.output, record.trace, *sub);
    check_trace(record.trace, raw);
  });
}

void add_run(CLI::App& app, RunCommand& run, Raw& raw) {
  CLI::App* sub = app.add_subcommand("run", "Run a command in a memory cgroup of its own, and trace that");
  add_quantity(sub, "--limit", run.limit_bytes, parse_size_bytes, "SIZE",
               "Memory limit of the command's cgroup");
  add_output(sub, run.output);
  add_trace(sub, run.trace, raw);
  add_roots(sub, run.common);
  add_talk(sub, run.common);
  sub->add_option("command", run.command, "The command and its arguments, after --")
      ->required()
      ->type_name("COMMAND [ARG...]");
  sub->final_callback([&run, &raw, sub] {
    check_output(run.output, run.trace, *sub);
    check_trace(run.trace, raw);
  });
}

void add_bound(CLI::App* app, const std::string& name, std::optional<recording::Bound>& bound,
               const std::string& description) {
  app->add_option_function<std::string>(
         name,
         [&bound, name](const std::string& text) {
           const auto utc = parse_utc_ns(text);
           const auto offset = parse_duration_ns(text);
           if (!utc && !offset) {
             throw CLI::ValidationError(name,
                                        "is neither a time since the start (1.5s) nor one like "
                                        "2026-11-24T13:00:01.123456Z");
           }
           bound = utc ? recording::Bound{*utc, true} : recording::Bound{*offset, false};
         },
         description)
      ->type_name("TIME");
}

void add_report(CLI::App& app, ReportCommand& report) {
  CLI::App* sub =
      app.add_subcommand("report", "Report from a recording what the live run would have printed");
  sub->add_option("file", report.file, "The recording; - for stdin")->required()->type_name("FILE");
  add_format(sub, report.output.format, {"text", "json", "csv", "html", "openmetrics", "folded", "pprof"});
  sub->add_option("-o,--output", report.output.file, "Write the result there instead of to stdout")
      ->type_name("FILE");
  sub->add_flag("--timeline", report.output.timeline, "Put every row of the timeline into the JSON");
  add_bound(sub, "--from", report.span.from, "Leave out what came before: a time since the start, or in UTC");
  add_bound(sub, "--to", report.span.to, "Leave out what came after");
  sub->add_option("--container", report.containers, "Report these containers of the pod only (repeatable)")
      ->type_name("NAME|ID");
  add_quantity(sub, "--min-prominence", report.min_prominence_bytes, parse_size_bytes, "SIZE",
               "Smallest prominence of a spike (default: the larger of 1Mi and 5 % of the limit)");
  add_quantity(sub, "--dossier-window", report.dossier_window_ns, parse_duration_ns, "DURATION",
               "Time before an OOM kill that is shown (default: 1s)");
  add_talk(sub, report.common);
}

void add_list(CLI::App& app, ListCommand& list) {
  CLI::App* sub =
      app.add_subcommand("list", "Pods and containers on this node, with limits and kernel peaks");
  add_format(sub, list.format, {"text", "json"});
  add_roots(sub, list.common);
  add_talk(sub, list.common);
}

void add_doctor(CLI::App& app, DoctorCommand& doctor) {
  CLI::App* sub = app.add_subcommand(
      "doctor", "What this kernel and these privileges allow, and what to do about the rest");
  add_format(sub, doctor.format, {"text", "json"});
  add_roots(sub, doctor.common);
  add_talk(sub, doctor.common);
  sub->add_option("--disable-feature", doctor.disabled_features, "Pretend that the kernel lacks this feature")
      ->type_name("NAME")
      ->group("Advanced");
}

// Everything after "--" belongs to the command, even what looks like an option.
std::vector<std::string> arguments_of(int argc, const char* const* argv, std::vector<std::string>& command) {
  std::vector<std::string> arguments;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--") {
      command.assign(argv + i + 1, argv + argc);
      break;
    }
    arguments.push_back(argument);
  }
  return arguments;
}

}  // namespace

report::BuilderOptions builder_options(const OutputOptions& output,
                                       std::optional<std::uint64_t> min_prominence_bytes,
                                       std::uint64_t dossier_window_ns) {
  report::BuilderOptions result;
  result.min_prominence_bytes = min_prominence_bytes;
  const bool is_json = output.format == Format::json;
  const bool is_html = output.format == Format::html;
  result.keep_timeline = is_html || (is_json && output.timeline);
  result.keep_all_spikes = is_json || is_html;
  result.dossier_window_ns = dossier_window_ns;
  return result;
}

Parsed parse_command_line(int argc, const char* const* argv) {
  CLI::App app(
      "memspike: what a container's memory did between two scrapes.\n"
      "It stands at the kernel's own counter and records every move of it.",
      "memspike");
  app.set_version_flag("--version", std::string("memspike ") + MEMSPIKE_VERSION);
  app.require_subcommand(1);
  app.footer(kFooter);
  app.get_formatter()->column_width(34);
  std::string first;
  app.failure_message([&first](const CLI::App* failed, const CLI::Error& error) {
    return fmt::format("memspike: {}\nTry `memspike --help`.\n", explain(*failed, error, first));
  });

  RecordCommand record;
  RunCommand run;
  ReportCommand report;
  ListCommand list;
  DoctorCommand doctor;
  Raw raw;
  add_record(app, record, raw);
  add_run(app, run, raw);
  add_report(app, report);
  add_list(app, list);
  add_doctor(app, doctor);

  std::vector<std::string> command;
  std::vector<std::string> arguments = arguments_of(argc, argv, command);
  if (!arguments.empty()) first = arguments.front();
  const bool is_run = first == "run";
  // The command is given to CLI11 as one opaque argument, so that its presence is checked.
  if (is_run && !command.empty()) arguments.push_back("COMMAND");
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them last first
  try {
    app.parse(std::move(arguments));
    if (auto valid = app.got_subcommand("record") ? cgroup::check_spec(record.target) : Result<void>{};
        !valid) {
      throw CLI::ValidationError(valid.error().message + "; " + valid.error().advice,
                                 CLI::ExitCodes::ValidationError);
    }
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitDone : kExitUsage;
  }
  if (is_run && !command.empty()) run.command = std::move(command);
  record.target.containers_may_come = record.wait;
  if (app.got_subcommand("record")) return Command(std::move(record));
  if (app.got_subcommand("run")) return Command(std::move(run));
  if (app.got_subcommand("report")) return Command(std::move(report));
  if (app.got_subcommand("list")) return Command(std::move(list));
  return Command(std::move(doctor));
}

}  // namespace memspike::cli
