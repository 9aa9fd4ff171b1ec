// memspike report: from a recording what the live run would have printed.
#include <fcntl.h>
#include <fmt/core.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "base/unique_fd.h"
#include "cgroup/suggest.h"
#include "cgroup/text.h"
#include "cli/commands.h"
#include "cli/distinct.h"
#include "cli/exit_code.h"
#include "cli/render.h"
#include "cli/replay.h"
#include "cli/terminal.h"
#include "lives/life_table.h"
#include "recording/reader.h"
#include "recording/unpack.h"
#include "views/csv/csv.h"

namespace memspike::cli {
namespace {

class Reporter {
 public:
  Reporter(const ReportCommand& command, Output& output) : command_(command), output_(output) {
    if (row_of(command.output.format).kind == FormatRow::Kind::stream) {
      csv_.emplace([&output](std::string_view text) { return output.write(text); });
    }
  }

  Result<void> run(int fd) {
    recording::Reader reader(
        [this](std::size_t recording, const facts::Fact& fact) { take(recording, fact); });
    recording::Unpacker unpacker([&reader](std::string_view bytes) { return reader.feed(bytes); });
    std::array<char, 1U << 16> bytes{};
    for (;;) {
      const ssize_t size = read(fd, bytes.data(), bytes.size());
      if (size < 0 && errno == EINTR) continue;
      if (size < 0) {
        return fail(ErrorKind::failed,
                    fmt::format("cannot read {}: {}", command_.file, std::strerror(errno)));
      }
      if (size == 0) break;
      if (auto fed = unpacker.feed({bytes.data(), static_cast<std::size_t>(size)}); !fed) return fed;
    }
    if (auto unpacked = unpacker.finish(); !unpacked) return unpacked;
    if (!unpacker.damage().empty()) spdlog::warn("{}: it is read as far as it goes", unpacker.damage());
    if (auto finished = reader.finish(); !finished) return finished;
    if (auto answerable = check_question(); !answerable) return answerable;
    return render_all();
  }

 private:
  void take(std::size_t recording, const facts::Fact& fact) {
    recordings_ = std::max(recordings_, recording + 1);
    if (command_.session && *command_.session != recording + 1) return;
    auto& replay = replays_[recording];
    if (!replay) replay = start();
    replay->apply(fact);
  }

  std::unique_ptr<Replay> start() {
    lives::LifeOptions options =
        life_options(command_.output, command_.min_prominence_bytes,
                     command_.dossier_window_ns.value_or(timeline::Recent::kWindowNs));
    options.containers = command_.containers;
    options.split_stacks = command_.spike.has_value();
    lives::TimelineRows::Take rows;
    if (csv_) {
      rows = [this](const std::string& path, const timeline::Row& row) {
        csv_->row(row.time_ns, path, row.usage_bytes, row.watermark_bytes, row.limit_bytes, row.mark);
      };
    }
    return std::make_unique<Replay>(std::move(options), command_.part, std::move(rows));
  }

  // What cannot be answered is not answered with "all quiet".
  Result<void> check_question() {
    if (command_.session && *command_.session > recordings_) {
      return fail(ErrorKind::usage, fmt::format("there is no --session {}", *command_.session),
                  fmt::format("the file holds {}", views::counted(recordings_, "recording")));
    }
    if (auto there = check_containers(); !there) return there;
    // A time of day may be of one of several recordings.
    Result<void> first_refusal{};
    std::erase_if(replays_, [&](const auto& entry) {
      auto checked = entry.second->check_part();
      if (!checked && first_refusal) first_refusal = checked;
      return !checked;
    });
    if (replays_.empty()) return first_refusal;
    if (replays_.size() > 1 && row_of(command_.output.format).holds_one) {
      return fail(ErrorKind::usage,
                  fmt::format("the file holds {} recordings, and {} holds one", replays_.size(),
                              row_of(command_.output.format).name),
                  fmt::format("choose with --session N, from 1 to {}", recordings_));
    }
    return {};
  }

  Result<void> check_containers() const {
    for (const std::string& wanted : command_.containers) {
      std::set<std::string> there;
      bool found = false;
      for (const auto& [recording, replay] : replays_) {
        found = found || replay->has_container(wanted);
        for (const auto& container : replay->containers()) there.insert(cgroup::container_label(container));
      }
      if (found) continue;
      const std::vector<std::string> labels(there.begin(), there.end());
      return fail(
          ErrorKind::not_found, fmt::format("no container {} was recorded", cgroup::printable(wanted)),
          labels.empty() ? "no container was" : fmt::format("there: {}", cgroup::bounded_list(labels)));
    }
    return {};
  }

  Result<void> render_all() {
    for (auto& [recording, replay] : replays_) {
      report::Report report = replay->table().take();
      if (command_.spike) {
        if (auto kept = replay->keep_spike(*command_.spike, report); !kept) return kept;
      }
      const auto sink = [this](std::string_view text) { return output_.write(text); };
      if (auto rendered = render(report, command_.output, output_.fd(), sink); !rendered) return rendered;
    }
    return csv_ ? csv_->flush() : Result<void>{};
  }

  const ReportCommand& command_;
  Output& output_;
  std::optional<views::CsvWriter> csv_;
  std::size_t recordings_ = 0;
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
  const Place read{"the recording", {}, file ? file.get() : STDIN_FILENO};
  if (auto distinct = check_distinct(places_of(command.output, STDOUT_FILENO), read); !distinct) {
    return distinct;
  }
  const bool streams = row_of(command.output.format).kind == FormatRow::Kind::stream;
  auto output =
      Output::open(command.output.file, STDOUT_FILENO, streams ? Output::Mode::stream : Output::Mode::whole);
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
