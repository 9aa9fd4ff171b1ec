// memspike why, kills, last, status: what a service knows.
#include <fmt/core.h>
#include <spdlog/spdlog.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/unique_fd.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/http_client.h"
#include "cli/output.h"
#include "cli/render.h"
#include "cli/terminal.h"
#include "process/clock.h"
#include "views/kit/escape.h"
#include "views/kit/table.h"

namespace memspike::cli {
namespace {

using Json = nlohmann::json;

int print(const std::string& text) {
  auto output = Output::open(std::nullopt, STDOUT_FILENO);
  if (!output) return complain(output.error());
  if (auto written = output->write(text); !written) return complain(written.error());
  return kExitDone;
}

Result<Json> ask_json(const AskCommand& command, const std::string& path) {
  auto body = ask_service(command.socket, path);
  if (!body) return tl::unexpected(body.error());
  Json json = Json::parse(*body, nullptr, false);
  if (!json.is_object()) return fail(ErrorKind::failed, "the service's answer is no JSON");
  if (json.value("api_version", 0) != 1)
    return fail(ErrorKind::failed, "the service speaks another version",
                "use the memspike that runs as the service");
  return json;
}

std::string text_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

std::uint64_t number_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

std::string container_of(const Json& json) {
  std::string label;
  for (const char* key : {"namespace", "pod", "container"}) {
    const std::string part = text_of(json, key);
    if (!part.empty()) label += (label.empty() ? "" : "/") + part;
  }
  return label;
}

std::string killed_by(const Json& kill) {
  if (text_of(kill, "kind") == "hang") return "hangs at the limit";
  const std::string by = text_of(kill, "by");
  if (by == "own") return "its own limit";
  if (by == "pod") return "the pod's limit";
  if (by == "ancestor") return "a limit above";
  if (by == "node") return "the node";
  return "not seen";
}

std::string what_is_kept(const Json& kill) {
  if (!text_of(kill, "dossier").empty()) return text_of(kill, "dossier");
  const std::string why = text_of(kill, "no_dossier");
  return why.empty() ? "in the making" : why;
}

std::string table_of_kills(const Json& kills) {
  if (kills.empty()) return "no OOM kill is known\n";
  views::Table table({{"time (UTC)"},
                      {"container", views::Align::left, 0, 12},
                      {"process (pid)", views::Align::left, 1, 8},
                      {"killed by", views::Align::left, 0, 8},
                      {"usage", views::Align::right, 2},
                      {"dossier", views::Align::left, 1, 16}});
  views::TextStyle style = style_for(STDOUT_FILENO);
  // Into a pipe or a file goes everything, for grep and awk.
  if (isatty(STDOUT_FILENO) == 0) style.columns = std::numeric_limits<unsigned>::max();
  for (const Json& kill : kills) {
    const std::uint64_t count = number_of(kill, "count");
    const std::string process = count > 1 || number_of(kill, "pid") == 0
                                    ? fmt::format("{} processes", count)
                                    : fmt::format("{} ({})", text_of(kill, "comm"), number_of(kill, "pid"));
    table.add_row({{format_utc(number_of(kill, "time_ns"))},
                   {container_of(kill), views::Tone::strong},
                   {process},
                   {killed_by(kill)},
                   {number_of(kill, "usage_bytes") > 0 ? format_bytes(number_of(kill, "usage_bytes")) : ""},
                   {what_is_kept(kill)}});
  }
  return table.render(style);
}

}  // namespace

int execute(const WhyCommand& command) {
  set_up_talk(command.common.quiet, command.common.verbose);
  auto answer = ask_json(command, "/v1/why?target=" + percent_encoded(command.target));
  if (!answer) return complain(answer.error());
  if (command.format == Format::json) return print(answer->dump(2) + "\n");
  const std::string note = text_of(*answer, "note");
  if (!note.empty()) spdlog::info("{}", note);
  const std::string dossier = text_of(*answer, "dossier");
  if (!dossier.empty()) spdlog::info("more in {}", dossier);
  return print(text_of(*answer, "text"));
}

int execute(const KillsCommand& command) {
  set_up_talk(command.common.quiet, command.common.verbose);
  const std::uint64_t now_ns = realtime_ns();
  const std::uint64_t since_ns = command.since_ns ? now_ns - std::min(now_ns, *command.since_ns) : 0;
  auto answer = ask_json(
      command, fmt::format("/v1/kills?since_ns={}&target={}", since_ns, percent_encoded(command.target)));
  if (!answer) return complain(answer.error());
  if (command.format == Format::json) return print(answer->dump(2) + "\n");
  return print(table_of_kills(answer->value("kills", Json::array())));
}

// As `report` of a file that nobody sees.
int execute(const LastCommand& command) {
  set_up_talk(command.common.quiet, command.common.verbose);
  auto recording = ask_service(command.socket, fmt::format("/v1/last?for_ns={}&target={}", command.for_ns,
                                                           percent_encoded(command.target)));
  if (!recording) return complain(recording.error());
  if (command.output.format == Format::perfetto) {
    auto output = Output::open(command.output.file, STDOUT_FILENO, Output::Mode::whole);
    if (!output) return complain(output.error());
    if (auto fits = check_terminal(Format::perfetto, *output); !fits) return complain(fits.error());
    if (auto written = output->write(*recording); !written) return complain(written.error());
    if (auto closed = output->close(); !closed) return complain(closed.error());
    return kExitDone;
  }
  const UniqueFd file(memfd_create("memspike-last", MFD_CLOEXEC));
  if (!file ||
      write(file.get(), recording->data(), recording->size()) != static_cast<ssize_t>(recording->size()))
    return complain(
        {ErrorKind::failed, fmt::format("no room for the recording: {}", std::strerror(errno)), {}});
  ReportCommand report;
  report.common = command.common;
  report.file = fmt::format("/proc/self/fd/{}", file.get());
  report.output = command.output;
  return execute(report);
}

namespace {

// Who is looked at closer now, each with its reason; else who was last.
template <class Line>
void write_looks(const Json& status, const Line& line) {
  constexpr std::size_t kMost = 4;
  const auto text = [](const Json& look) {
    return fmt::format("since {}, for {}: {}", text_of(look, "time"), text_of(look, "container"),
                       text_of(look, "why"));
  };
  const Json now = status.value("looked_at", Json::array());
  for (std::size_t i = 0; i < std::min(now.size(), kMost); ++i)
    line(i == 0 ? "looks" : "", "closer " + text(now[i]));
  if (now.size() > kMost) line("", fmt::format("closer for {} more", now.size() - kMost));
  const Json zoomed = status.value("zoomed", Json::array());
  if (now.empty() && !zoomed.empty())
    line("looks", (zoomed.back().value("closer", false) ? "closer " : "as before ") + text(zoomed.back()));
}

}  // namespace

int execute(const StatusCommand& command) {
  set_up_talk(command.common.quiet, command.common.verbose);
  auto answer = ask_json(command, "/v1/status");
  if (!answer) return complain(answer.error());
  if (command.format == Format::json) return print(answer->dump(2) + "\n");
  const Json& status = *answer;
  std::string text;
  const auto line = [&text](std::string_view name, const std::string& value) {
    text += fmt::format("{:<10} {}\n", name, value);
  };
  std::uint64_t lost = 0;
  std::string causes;
  const Json losses = status.value("lost", Json::object());
  for (const auto& [cause, count] : losses.items()) {
    if (!count.is_number_unsigned() || count.get<std::uint64_t>() == 0) continue;
    lost += count.get<std::uint64_t>();
    causes += fmt::format("{}{} {}", causes.empty() ? "" : ", ", cause, count.get<std::uint64_t>());
  }
  line("service",
       fmt::format("memspike {}, since {}", text_of(status, "version"), text_of(status, "started")));
  line("watches", fmt::format("{} in {}, {} tier, detail {}",
                              views::counted(number_of(status, "containers"), "container"),
                              views::counted(number_of(status, "watched_cgroups"), "cgroup"),
                              text_of(status, "tier"), text_of(status, "detail")));
  write_looks(status, line);
  line("cost", fmt::format("{} of CPU time, {} of memory, {} of BPF maps",
                           format_duration(number_of(status, "cpu_ns")),
                           format_bytes(number_of(status, "resident_bytes")),
                           format_bytes(number_of(status, "map_bytes"))));
  line("keeps", fmt::format("{} in the flight recorder, {} ({})",
                            format_bytes(number_of(status, "flight_recorder_bytes")),
                            views::counted(number_of(status, "dossiers"), "dossier"),
                            format_bytes(number_of(status, "dossier_bytes"))));
  line("kills", views::grouped(number_of(status, "kills")));
  line("lost", lost == 0 ? "nothing" : causes);
  if (const Json thinned = status.value("thinned", Json::array()); !thinned.empty()) {
    line("thinned",
         fmt::format("{} of {}{}: counted, for they were too many to be told one by one",
                     views::counted(number_of(status, "thinned_moves"), "move"),
                     text_of(thinned.front(), "container"), thinned.size() > 1 ? " and others" : ""));
  }
  if (const std::uint64_t failures = number_of(status, "write_failures"); failures > 0) {
    line("disk", fmt::format("{} ({}); not kept: {}, {} of the log of kills",
                             views::counted(failures, "failure"), text_of(status, "last_write_failure"),
                             views::counted(number_of(status, "dossiers_not_kept"), "dossier"),
                             views::counted(number_of(status, "log_lines_not_kept"), "line")));
  }
  return print(text);
}

}  // namespace memspike::cli
