#include "cli/options.h"

#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <bit>

#include "base/units.h"
#include "cgroup/text.h"
#include "cli/exit_code.h"
#include "cli/meant.h"
#include "cli/option_kit.h"
#include "cli/serve_options.h"

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
  memspike serve --metrics 127.0.0.1:9779
  memspike why checkout

Sizes: 50Mi, 50M, 1.5Gi, 52428800. Durations: 500ms, 30s, 5m, 1h30m.
Exit codes: 0 done, 1 failed, 2 usage, 3 target not found or ambiguous,
4 this kernel or these privileges cannot do it. `run` exits as its command did
(128 + signal when it was killed), or with 5 for --fail-on-oom and --fail-if.)";

// Options that have no default of their own to show are bound through optionals.
struct Raw {
  std::optional<std::uint64_t> dossier_window_ns;
  std::optional<std::uint64_t> ring_bytes;
  std::optional<std::uint64_t> sweep_period_ns;
  std::optional<std::string> not_a_wait;  // `record --wait shop/checkout`: what CLI11 took for its duration
};

void add_output(CLI::App* app, OutputOptions& output) {
  add_format(app, output.format, names_of_formats(true));
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
  add_text(app, output);
}

void add_trace(CLI::App* app, TraceOptions& trace, Raw& raw) {
  add_quantity(app, "--min-prominence", trace.min_prominence_bytes, parse_size_bytes, "SIZE",
               "Smallest prominence of a spike (default: the larger of 1Mi and 5 % of the limit)");
  app->add_flag("--stacks{auto}", trace.stacks,
                "Record kernel and user stacks where the counter rises; show the top ones.\n"
                "=fp: user stacks by frame pointers alone; =dwarf: by unwind tables alone\n"
                "(default: auto, by unwind tables, and frame pointers where there are none)")
      ->type_name("[=auto|fp|dwarf]")
      ->check(CLI::IsMember({"auto", "fp", "dwarf"}).description(""));
  app->add_option("--detail", trace.detail,
                  "How much is watched: every page that is allocated, only charges, or neither and\n"
                  "every counter some 1000 times a second; less costs less (default: pages;\n"
                  "auto: charges where the kernel lets them be watched, else sweep)")
      ->type_name("pages|charges|sweep|auto")
      ->check(CLI::IsMember({"pages", "charges", "sweep", "auto"}).description(""));
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
      ->allow_extra_args(false)
      ->group("Advanced");
}

void check_output(OutputOptions& output, TraceOptions& trace, const CLI::App& app) {
  constexpr std::string_view kSuffix = ".pftrace";
  if (app.count("--format") == 0 && output.file && output.file->ends_with(kSuffix)) {
    output.format = Format::perfetto;
  }
  const FormatRow& row = row_of(output.format);
  if (row.is_of_stacks && trace.stacks.empty()) trace.stacks = "auto";
  if (row.kind == FormatRow::Kind::recording) {
    if (output.record_file)
      throw CLI::ValidationError("--record", "is for a result that is no recording itself");
    if (!output.file && isatty(STDOUT_FILENO) == 1) {
      throw CLI::ValidationError("--format", fmt::format("{}: give it a file with -o", row.not_shown));
    }
  }
  if (output.csv_file && row.kind == FormatRow::Kind::stream) {
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

Result<void> check_target(RecordCommand& record, const Raw& raw) {
  const cgroup::TargetSpec& target = record.target;
  const bool is_explicit =
      target.pod_uid || target.pod || target.cgroup_path || target.pid || target.name || target.unit;
  if (raw.not_a_wait && !record.named && !is_explicit) {
    record.named = raw.not_a_wait;
  } else if (raw.not_a_wait) {
    return tl::unexpected(parse_duration_ns(*raw.not_a_wait).error());
  }
  if (!record.named) return cgroup::check_spec(target);
  if (!is_explicit) return {};
  return fail(ErrorKind::usage,
              fmt::format("more than one target given: {}, too", cgroup::printable(*record.named)),
              "give one target");
}

void add_record(CLI::App& app, RecordCommand& record, Raw& raw) {
  CLI::App* sub =
      app.add_subcommand("record", "Trace a pod, a cgroup or a process's cgroup; report at the end");
  // A plain group: an option group would come last in the help. That exactly one is given is checked by
  // check_spec, which knows better what to advise.
  constexpr const char* kTarget = "TARGET, exactly one: the name of anything that is there, or";
  sub->add_option("target", record.named,
                  "A pod, container, service, cgroup or process, by name, UID, id, path or number,\n"
                  "where that is unambiguous")
      ->type_name("TARGET");
  sub->add_option("--pod-uid", record.target.pod_uid, "A pod, by UID or any unique beginning of it")
      ->type_name("UID")
      ->group(kTarget);
  sub->add_option("--pod", record.target.pod, "A pod, by name")->type_name("NAMESPACE/NAME")->group(kTarget);
  sub->add_option("--name", record.target.name,
                  "A container of Docker, Podman, LXC or Nomad, by name or beginning of its id")
      ->type_name("CONTAINER")
      ->group(kTarget);
  sub->add_option("--unit", record.target.unit, "A service of systemd (nginx or nginx.service)")
      ->type_name("UNIT")
      ->group(kTarget);
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
      ->type_name("NAME|ID")
      ->allow_extra_args(false);
  add_quantity(sub, "-d,--duration", record.trace.duration_ns, parse_duration_ns, "DURATION",
               "Stop after this long (default: at SIGINT, SIGTERM or when the target is gone)");
  sub->add_option_function<std::string>(
         "--wait",
         [&record, &raw](const std::string& text) {
           record.wait = true;
           if (text.empty()) return;
           const auto value = parse_duration_ns(text);
           if (value) record.wait_ns = *value;
           if (!value) raw.not_a_wait = text;
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

// No command can be started in so little: who asks for it means another unit.
Result<std::uint64_t> parse_limit_bytes(std::string_view text) {
  constexpr std::uint64_t kLeastBytes = 256U << 10;
  auto bytes = parse_size_bytes(text);
  if (!bytes || *bytes >= kLeastBytes) return bytes;
  const std::string_view number = text.substr(0, text.find_first_not_of("0123456789."));
  const bool is_plausible = *bytes > 0 && number.size() <= 5;
  return fail(ErrorKind::usage,
              fmt::format("{} is {}, in which no command can be started", text, format_bytes(*bytes)),
              is_plausible ? fmt::format("did you mean {}Mi?", number) : "write it like 50Mi");
}

void add_conditions(CLI::App* app, RunCommand& run) {
  app->add_flag_callback(
      "--fail-on-oom",
      [&run] {
        run.fail_if.push_back(*parse_condition("kills > 0"));
        run.fail_if.back().text = "--fail-on-oom";
      },
      "Exit with 5 if the OOM killer killed a process of the command");
  app->add_option_function<std::vector<std::string>>(
         "--fail-if",
         [&run](const std::vector<std::string>& texts) {
           for (const std::string& text : texts) {
             auto condition = parse_condition(text);
             if (!condition) {
               const Error& error = condition.error();
               throw CLI::ValidationError("--fail-if", error.message + "; " + error.advice);
             }
             run.fail_if.push_back(std::move(*condition));
           }
         },
         "Exit with 5 if this holds: 'peak > 90%' (of the limit), 'burst > 50Mi',\n"
         "'headroom < 10Mi', 'kills > 0' (repeatable)")
      ->type_name("CONDITION")
      ->allow_extra_args(false);
}

void check_conditions(const RunCommand& run) {
  for (const Condition& condition : run.fail_if) {
    if (!condition.needs_limit() || run.limit_bytes) continue;
    throw CLI::ValidationError("--fail-if",
                               fmt::format("\"{}\" is about a limit: give one with --limit", condition.text));
  }
}

void add_run(CLI::App& app, RunCommand& run, Raw& raw) {
  CLI::App* sub = app.add_subcommand("run", "Run a command in a memory cgroup of its own, and trace that");
  add_quantity(sub, "--limit", run.limit_bytes, parse_limit_bytes, "SIZE",
               "Memory limit of the command's cgroup");
  add_conditions(sub, run);
  add_output(sub, run.output);
  add_trace(sub, run.trace, raw);
  add_roots(sub, run.common);
  add_talk(sub, run.common);
  sub->add_option("command", run.command, "The command and its arguments")
      ->required()
      ->type_name("[--] COMMAND [ARG...]");
  sub->final_callback([&run, &raw, sub] {
    check_conditions(run);
    check_output(run.output, run.trace, *sub);
    check_trace(run.trace, raw);
  });
}

void add_moment(CLI::App* app, const std::string& name, std::optional<Moment>& moment,
                const std::string& description) {
  app->add_option_function<std::string>(
         name,
         [&moment, name](const std::string& text) {
           auto parsed = parse_moment(text);
           if (!parsed) {
             throw CLI::ValidationError(name, parsed.error().message + "; " + parsed.error().advice);
           }
           moment = std::move(*parsed);
         },
         description)
      ->type_name("TIME");
}

void add_report(CLI::App& app, ReportCommand& report) {
  CLI::App* sub =
      app.add_subcommand("report", "Report from a recording what the live run would have printed");
  sub->add_option("file", report.file, "The recording, gzip'd or zstd'd if you like; - for stdin")
      ->required()
      ->type_name("FILE");
  add_format(sub, report.output.format, names_of_formats(false));
  sub->add_option("-o,--output", report.output.file, "Write the result there instead of to stdout")
      ->type_name("FILE");
  sub->add_flag("--timeline", report.output.timeline, "Put every row of the timeline into the JSON");
  add_text(sub, report.output);
  add_moment(sub, "--from", report.part.from,
             "Leave out what came before: a time since the start (9m), or in UTC (14:06:03)");
  add_moment(sub, "--to", report.part.to, "Leave out what came after");
  add_moment(sub, "--spike", report.spike,
             "Of the stacks those of the spike at that moment: a time since the start, or in UTC");
  sub->add_option("--session", report.session, "Of recordings that were concatenated: the first is 1")
      ->type_name("N")
      ->check(CLI::Range(1U, 1'000'000U).description(""));
  sub->add_option("--container", report.containers, "Report these containers of the pod only (repeatable)")
      ->type_name("NAME|ID")
      ->allow_extra_args(false);
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
  sub->add_option("--socket", list.socket, "Of a service that runs: bursts and kills are listed, too")
      ->type_name("PATH");
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
      ->allow_extra_args(false)
      ->group("Advanced");
}

}  // namespace

lives::LifeOptions life_options(const OutputOptions& output,
                                std::optional<std::uint64_t> min_prominence_bytes,
                                std::uint64_t dossier_window_ns) {
  lives::LifeOptions result;
  result.min_prominence_bytes = min_prominence_bytes;
  const FormatRow& row = row_of(output.format);
  result.keep_timeline = row.timeline == FormatRow::Timeline::always ||
                         (row.timeline == FormatRow::Timeline::if_asked && output.timeline);
  result.keep_all_spikes = row.all_spikes;
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
  ServiceCommands service;
  service.add_to(app);

  std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.empty()) {
    fmt::print(stderr, "{}", app.help());
    return kExitUsage;
  }
  take_help(app, arguments);
  first = arguments.front();
  const bool is_run = first == "run";
  std::vector<std::string> command;
  if (is_run) command = cut_command(*app.get_subcommand("run"), arguments);
  const std::vector<std::string> given = arguments;
  if (first == "serve") {
    auto all = with_config_file(arguments);
    if (!all) {
      fmt::print(stderr, "memspike: {}\n", all.error().message);
      return kExitUsage;
    }
    arguments = std::move(*all);
  }
  // The command is given to CLI11 as one opaque argument, so that its presence is checked.
  if (is_run && !command.empty()) arguments.push_back("COMMAND");
  std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them last first
  try {
    app.parse(std::move(arguments));
    if (auto valid = app.got_subcommand("record") ? check_target(record, raw) : Result<void>{}; !valid) {
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
  if (auto asked = service.chosen(app)) {
    if (auto* serve = std::get_if<ServeCommand>(&*asked)) serve->arguments = given;
    return std::move(*asked);
  }
  return Command(std::move(doctor));
}

}  // namespace memspike::cli
