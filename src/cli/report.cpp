// memspike report: from a recording what the live run would have printed.
#include <fcntl.h>
#include <fmt/core.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <optional>

#include "base/unique_fd.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/render.h"
#include "cli/terminal.h"
#include "recording/reader.h"
#include "recording/window.h"
#include "report/builder.h"
#include "report/csv.h"

namespace memspike::cli {
namespace {

// One recording of a file, on its way to a report.
struct Replay {
  explicit Replay(report::BuilderOptions options) : builder(std::move(options)) {}

  report::Builder builder;
  std::optional<recording::Window> window;
};

class Reporter {
 public:
  Reporter(const ReportCommand& command, Output& output) : command_(command), output_(output) {
    if (command.output.format == Format::csv) {
      csv_.emplace([&output](std::string_view text) { return output.write(text); });
    }
  }

  Result<void> run(int fd) {
    recording::Reader reader(
        [this](std::size_t recording, const report::Fact& fact) { take(recording, fact); });
    std::array<char, 1U << 16> bytes{};
    for (;;) {
      const ssize_t size = read(fd, bytes.data(), bytes.size());
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) {
        return fail(ErrorKind::failed,
                    fmt::format("cannot read {}: {}", command_.file, std::strerror(errno)));
      }
      if (size == 0) break;
      if (auto fed = reader.feed({bytes.data(), static_cast<std::size_t>(size)}); !fed) return fed;
    }
    if (auto finished = reader.finish(); !finished) return finished;
    return render_all();
  }

 private:
  void take(std::size_t recording, const report::Fact& fact) {
    auto& replay = replays_[recording];
    if (!replay) replay = start();
    replay->window ? replay->window->apply(fact) : replay->builder.apply(fact);
  }

  std::unique_ptr<Replay> start() {
    report::BuilderOptions options =
        builder_options(command_.output, command_.min_prominence_bytes,
                        command_.dossier_window_ns.value_or(timeline::Recent::kWindowNs));
    options.containers = command_.containers;
    auto replay = std::make_unique<Replay>(std::move(options));
    report::Builder& builder = replay->builder;
    if (csv_) {
      builder.on_row([this](const std::string& path, const timeline::Row& row) {
        csv_->row(row.time_ns, path, row.usage_bytes, row.watermark_bytes, row.limit_bytes, row.mark);
      });
    }
    if (command_.span.from || command_.span.to) {
      replay->window.emplace(command_.span, [&builder](const report::Fact& fact) { builder.apply(fact); });
    }
    return replay;
  }

  Result<void> render_all() {
    for (auto& [recording, replay] : replays_) {
      const report::Report report = replay->builder.take();
      if (auto rendered = render(report, command_.output.format, output_); !rendered) return rendered;
    }
    return csv_ ? csv_->flush() : Result<void>{};
  }

  const ReportCommand& command_;
  Output& output_;
  std::optional<report::CsvWriter> csv_;
  std::map<std::size_t, std::unique_ptr<Replay>> replays_;
};

Result<void> report(const ReportCommand& command) {
  UniqueFd file;
  if (command.file != "-") {
    file = UniqueFd(open(command.file.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file) {
      return fail(ErrorKind::failed, fmt::format("cannot open {}: {}", command.file, std::strerror(errno)));
    }
  }
  auto output =
      Output::open(command.output.file, STDOUT_FILENO,
                   command.output.format == Format::csv ? Output::Mode::stream : Output::Mode::whole);
  if (!output) return tl::unexpected(output.error());
  if (auto fits = check_terminal(command.output.format, *output); !fits) return fits;
  if (auto done = Reporter(command, *output).run(file ? file.get() : STDIN_FILENO); !done) return done;
  return output->close();
}

}  // namespace

int execute(const ReportCommand& command) {
  set_up_talk(command.common.quiet, command.common.verbose);
  if (auto done = report(command); !done) return complain(done.error());
  return kExitDone;
}

}  // namespace memspike::cli
