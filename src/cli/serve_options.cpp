#include "cli/serve_options.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <variant>

#include "base/units.h"
#include "cli/option_kit.h"
#include "serve/http_server.h"

namespace memspike::cli {
namespace {

void add_socket(CLI::App* app, std::string& socket) {
  app->add_option("--socket", socket, fmt::format("Where the service answers (default: {})", kServiceSocket))
      ->type_name("PATH");
}

void add_target(CLI::App* app, std::string& target, const char* description) {
  app->add_option("target", target, description)->type_name("TARGET");
}

// How an option is given on a command line: "--config FILE" or "--config=FILE".
std::optional<std::string> value_of(const std::vector<std::string>& arguments, const std::string& name) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i].starts_with(name + "=")) return arguments[i].substr(name.size() + 1);
    if (arguments[i] == name) return i + 1 < arguments.size() ? arguments[i + 1] : std::string();
  }
  return std::nullopt;
}

}  // namespace

// By CLI11's own reader of such files. What is given on the command line counts.
Result<std::vector<std::string>> with_config_file(const std::vector<std::string>& arguments) {
  const auto name = value_of(arguments, "--config");
  if (!name) return arguments;
  std::ifstream file(*name);
  if (!file) return fail(ErrorKind::usage, fmt::format("cannot read {}: {}", *name, std::strerror(errno)));
  std::vector<std::string> all = arguments;
  try {
    for (const CLI::ConfigItem& item : CLI::ConfigBase().from_config(file)) {
      const std::string option = "--" + item.name;
      if (value_of(arguments, option)) continue;
      for (const std::string& input : item.inputs) all.push_back(fmt::format("{}={}", option, input));
    }
  } catch (const CLI::Error& error) {
    return fail(ErrorKind::usage, fmt::format("{}: {}", *name, error.what()));
  }
  return all;
}

Result<ServeCommand> parse_serve(const std::vector<std::string>& arguments) {
  auto all = with_config_file(arguments);
  if (!all) return tl::unexpected(all.error());
  CLI::App app("memspike", "memspike");
  app.require_subcommand(1);
  ServiceCommands commands;
  commands.add_to(app);
  std::reverse(all->begin(), all->end());  // CLI11 takes them last first
  try {
    app.parse(std::move(*all));
  } catch (const CLI::ParseError& error) {
    return fail(ErrorKind::usage, error.what());
  }
  return std::get<ServeCommand>(*commands.chosen(app));
}

void ServiceCommands::add_serve(CLI::App& app) {
  ServeCommand& serve = serve_;
  CLI::App* sub = app.add_subcommand(
      "serve", "Watch every container of this node; keep what led to each OOM kill; answer");
  sub->add_option("--scope", serve.scope,
                  "What is watched: all pods; also plain containers; services of systemd; every\n"
                  "cgroup (default: pods)")
      ->type_name("pods|containers|services|all")
      ->check(CLI::IsMember({"pods", "containers", "services", "all"}).description(""))
      ->envname("MEMSPIKE_SCOPE");
  sub->add_option("--namespace", serve.namespaces,
                  "Only pods of these namespaces, * and ? allowed (repeatable)")
      ->type_name("GLOB")
      ->allow_extra_args(false)
      ->envname("MEMSPIKE_NAMESPACE");
  sub->add_option("--exclude", serve.excluded,
                  "Not these: NAMESPACE/POD/CONTAINER, * and ? allowed (repeatable)")
      ->type_name("GLOB")
      ->allow_extra_args(false);
  serve.trace.detail = "auto";
  sub->add_option("--detail", serve.trace.detail, "How much is watched, as for record (default: auto)")
      ->type_name("auto|sweep|charges|pages")
      ->check(CLI::IsMember({"auto", "sweep", "charges", "pages"}).description(""))
      ->envname("MEMSPIKE_DETAIL");
  serve.trace.stacks = "auto";
  sub->add_option("--stacks", serve.trace.stacks,
                  "Stacks while it looks closer at a container in trouble: as for record, or none\n"
                  "(default: auto)")
      ->type_name("auto|fp|dwarf|off")
      ->check(CLI::IsMember({"auto", "fp", "dwarf", "off"}).description(""))
      ->envname("MEMSPIKE_STACKS");
  add_quantity(sub, "--keep", raw_.keep_ns, parse_duration_ns, "DURATION",
               "How much of the time before a kill its dossier has (default: 60s)");
  add_quantity(sub, "--keep-after", raw_.after_ns, parse_duration_ns, "DURATION",
               "And of the time after it (default: 10s)");
  add_quantity(sub, "--memory", raw_.memory_bytes, parse_size_bytes, "SIZE",
               "Memory of the flight recorder (default: 32Mi)");
  sub->add_option("--data-dir", serve.data_dir, "Where dossiers are kept (default: /var/lib/memspike)")
      ->type_name("DIR")
      ->envname("MEMSPIKE_DATA_DIR");
  sub->add_option("--dossiers", serve.dossiers, "How many are kept (default: 200)")
      ->type_name("N")
      ->check(CLI::Range(1U, 100'000U).description(""));
  add_quantity(sub, "--dossier-bytes", raw_.dossier_bytes, parse_size_bytes, "SIZE",
               "And how much room they take (default: 512Mi)");
  add_socket(sub, serve.socket);
  sub->add_option("--metrics", serve.metrics,
                  "Answer /metrics there, too: to scrapers (default: on the socket only)")
      ->type_name("ADDRESS:PORT")
      ->check([](const std::string& text) {
        const auto address = serve::parse_address(text);
        return address ? std::string() : address.error().message + "; " + address.error().advice;
      })
      ->envname("MEMSPIKE_METRICS");
  sub->add_flag("--page", serve.page,
                "Show the node at a glance there, too, with the reports of dossiers (default: on the\n"
                "socket only)")
      ->envname("MEMSPIKE_PAGE");
  sub->add_flag("--redact", serve.redact,
                "Keep no command lines, and of processes' names what stands before a space, = or :")
      ->envname("MEMSPIKE_REDACT");
  sub->add_option_function<std::string>(
         "--log-format", [&serve](const std::string& name) { serve.log_json = name == "json"; },
         "How the log on stderr looks (default: text)")
      ->type_name("text|json")
      ->check(CLI::IsMember({"text", "json"}).description(""));
  serve.trace.max_memcgs = 4096;
  sub->add_option("--max-memcgs", serve.trace.max_memcgs, "Memcgs tracked at the same time (default: 4096)")
      ->type_name("N")
      ->check(CLI::Range(1U, 65536U).description(""))
      ->group("Advanced");
  sub->add_option("--moves-per-second", serve.moves_per_second,
                  "Moves of one container's usage that are told one by one, in the long run; more\n"
                  "are counted (default: 10000; 0: no bound)")
      ->type_name("N")
      ->check(CLI::Range(0U, 1'000'000'000U).description(""))
      ->group("Advanced");
  add_roots(sub, serve.common);
  add_talk(sub, serve.common);
  sub->add_option("--config", serve.config,
                  "Read options from a file: NAME = VALUE lines, as here without the dashes")
      ->type_name("FILE");
  sub->final_callback([this] {
    serve_.keep_ns = raw_.keep_ns.value_or(serve_.keep_ns);
    serve_.after_ns = raw_.after_ns.value_or(serve_.after_ns);
    serve_.memory_bytes = raw_.memory_bytes.value_or(serve_.memory_bytes);
    serve_.dossier_bytes = raw_.dossier_bytes.value_or(serve_.dossier_bytes);
  });
}

void ServiceCommands::add_why(CLI::App& app) {
  CLI::App* sub = app.add_subcommand("why", "Ask the service why a pod or container died last, gone or not");
  add_target(sub, why_.target, "A pod, container or service, by name, UID, id or path (default: any)");
  add_format(sub, why_.format, {"text", "json"});
  add_socket(sub, why_.socket);
  add_talk(sub, why_.common);
}

void ServiceCommands::add_kills(CLI::App& app) {
  CLI::App* sub = app.add_subcommand("kills", "Ask the service for the OOM kills that it knows of");
  add_target(sub, kills_.target, "Only of this pod, container or service");
  add_quantity(sub, "--since", kills_.since_ns, parse_duration_ns, "DURATION",
               "Only of the time since then (default: all)");
  add_format(sub, kills_.format, {"text", "json"});
  add_socket(sub, kills_.socket);
  add_talk(sub, kills_.common);
}

void ServiceCommands::add_last(CLI::App& app) {
  CLI::App* sub = app.add_subcommand("last", "Ask the service for the last minute of a pod or container");
  add_target(sub, last_.target, "A pod, container or service, by name, UID, id or path");
  sub->get_option("target")->required();
  add_quantity(sub, "--for", raw_.for_ns, parse_duration_ns, "DURATION",
               "How much of it, as far as it is kept (default: 60s)");
  add_format(sub, last_.output.format, names_of_formats(true));
  sub->add_option("-o,--output", last_.output.file, "Write the result there instead of to stdout")
      ->type_name("FILE");
  sub->add_flag("--timeline", last_.output.timeline, "Put every row of the timeline into the JSON");
  add_text(sub, last_.output);
  add_socket(sub, last_.socket);
  add_talk(sub, last_.common);
  sub->final_callback([this, sub] {
    last_.for_ns = raw_.for_ns.value_or(last_.for_ns);
    const bool is_recording = last_.output.file && last_.output.file->ends_with(".pftrace");
    if (sub->count("--format") == 0 && is_recording) last_.output.format = Format::perfetto;
  });
}

void ServiceCommands::add_status(CLI::App& app) {
  CLI::App* sub = app.add_subcommand("status", "Ask the service how it is: cost, losses, what is kept");
  add_format(sub, status_.format, {"text", "json"});
  add_socket(sub, status_.socket);
  add_talk(sub, status_.common);
}

void ServiceCommands::add_to(CLI::App& app) {
  add_serve(app);
  add_why(app);
  add_kills(app);
  add_last(app);
  add_status(app);
}

std::optional<Command> ServiceCommands::chosen(const CLI::App& app) {
  if (app.got_subcommand("serve")) return Command(serve_);
  if (app.got_subcommand("why")) return Command(why_);
  if (app.got_subcommand("kills")) return Command(kills_);
  if (app.got_subcommand("last")) return Command(last_);
  if (app.got_subcommand("status")) return Command(status_);
  return std::nullopt;
}

}  // namespace memspike::cli
