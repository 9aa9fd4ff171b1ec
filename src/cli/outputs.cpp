#include "cli/outputs.h"

#include <fmt/core.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "base/units.h"
#include "cli/render.h"
#include "process/clock.h"
#include "views/kit/style.h"

namespace memspike::cli {
namespace {

using std::chrono::milliseconds;

// Without progress for so long, a reader has stalled, where somebody asked for the end. Disks may take longer
// and are worth it; a second signal ends that, too.
constexpr milliseconds kReaderPatience{400};
constexpr milliseconds kPatience{10'000};

constexpr milliseconds kPause{10};
constexpr std::size_t kPieceBytes = std::size_t{1} << 20;

bool has_stalled(const BackgroundOutput& output, Patience::Haste haste) {
  if (haste == Patience::Haste::none) return false;
  const bool is_reader = output.has_reader() && haste == Patience::Haste::much;
  return output.stalled() > (is_reader ? kReaderPatience : kPatience);
}

// A moment later. Says whether it is worth another one.
bool bear_with(const BackgroundOutput& output, Patience& patience) {
  output.wait(kPause);
  patience.meanwhile();
  return !has_stalled(output, patience.haste);
}

// Waits until all is written, or the output failed. Says whether it was not given up.
bool settle(const BackgroundOutput& output, Patience& patience) {
  while (!output.wait(milliseconds{0})) {
    if (!bear_with(output, patience)) return false;
  }
  return true;
}

// In whole pieces that it was offered: of the first one, some may have been taken.
Error stalled(const BackgroundOutput& output) {
  const auto time_ns = static_cast<std::uint64_t>(output.stalled().count());
  return {ErrorKind::failed,
          fmt::format("gave up on {}: it took nothing for {}, and {} wait", output.name(),
                      format_duration(time_ns), format_bytes(output.waiting_bytes())),
          {}};
}

}  // namespace

Outputs::Outputs(const OutputOptions& options, Output output) : options_(options), main_(std::move(output)) {}

Result<std::unique_ptr<Outputs>> Outputs::open(const OutputOptions& options, int text_fd) {
  const bool is_recorded_only = row_of(options.format).kind == FormatRow::Kind::recording;
  const bool is_timeline = row_of(options.format).kind == FormatRow::Kind::stream;
  auto output = Output::open(is_recorded_only ? std::nullopt : options.file,
                             options.format == Format::text ? text_fd : STDOUT_FILENO,
                             is_timeline ? Output::Mode::stream : Output::Mode::whole);
  if (!output) return tl::unexpected(output.error());
  if (auto fits = check_terminal(options.format, *output); !fits) return tl::unexpected(fits.error());
  std::unique_ptr<Outputs> outputs(new Outputs(options, std::move(*output)));
  if (options.csv_file) {
    auto file = Output::open(options.csv_file, STDOUT_FILENO, Output::Mode::stream);
    if (!file) return tl::unexpected(file.error());
    outputs->csv_file_ = std::make_unique<BackgroundOutput>(std::move(*file));
  }
  if (options.csv_file || is_timeline) {
    BackgroundOutput& csv = options.csv_file ? *outputs->csv_file_ : outputs->main_;
    outputs->csv_ = std::make_unique<CsvStream>(csv);
    outputs->streams_.push_back({csv, "the timeline"});
  }
  if (is_recorded_only || options.record_file) {
    auto recorder = Recorder::open(is_recorded_only ? options.file.value_or("-") : *options.record_file);
    if (!recorder) return tl::unexpected(recorder.error());
    outputs->recorder_ = std::move(*recorder);
    outputs->streams_.push_back({outputs->recorder_->output(), "the recording"});
  }
  return outputs;
}

bool Outputs::has_report() const { return row_of(options_.format).kind == FormatRow::Kind::document; }

Result<void> Outputs::start() {
  Result<void> result = has_report() ? main_.start() : Result<void>{};
  for (Stream& stream : streams_) {
    auto started = stream.output.start();
    if (result) result = std::move(started);
  }
  return result;
}

void Outputs::tell(const std::string& what, const Note& note) {
  has_failed_ = true;
  spdlog::error("{}", what);
  note(what);
}

void Outputs::tell_failures(const Note& note) {
  for (Stream& stream : streams_) {
    const auto failure = stream.output.failure();
    if (!failure || std::exchange(stream.is_told, true)) continue;
    tell(fmt::format("{} ends early: {}", stream.what, failure->message), note);
  }
}

// While there is time to do something about it.
void Outputs::tell_slow(const Note& note) {
  if (csv_ && csv_->lost_rows() > 0 && !csv_->output().failure() && !std::exchange(is_slow_told_, true)) {
    has_failed_ = true;
    spdlog::warn("{} takes the timeline too slowly: rows are left out", csv_->output().name());
  }
  if (recorder_ && recorder_->ended_ns() != 0 && !recorder_->output().failure() &&
      !std::exchange(is_cut_told_, true)) {
    tell(fmt::format("the recording ends early: {} takes it too slowly", recorder_->output().name()), note);
  }
}

Result<void> Outputs::look_after(const Note& note) {
  tell_failures(note);
  tell_slow(note);
  const bool none_is_left = !has_report() && std::all_of(streams_.begin(), streams_.end(),
                                                         [](const Stream& each) { return each.is_told; });
  return none_is_left ? fail(ErrorKind::failed, "nothing more can be written") : Result<void>{};
}

// How much, once that is known.
void Outputs::tell_losses(const Note& note) {
  if (csv_ && csv_->lost_rows() > 0) {
    tell(fmt::format("{} of the timeline were not written to {}", views::counted(csv_->lost_rows(), "row"),
                     csv_->output().name()),
         note);
  }
  if (recorder_ && recorder_->lost_facts() > 0) {
    tell(fmt::format("{} were not written to {}", views::counted(recorder_->lost_facts(), "fact"),
                     recorder_->output().name()),
         note);
  }
}

// One that stalls is given up only where the end was asked for, or a report waits behind it.
void Outputs::finish_streams(Patience& patience, const Note& note) {
  if (csv_) {
    csv_->flush(monotonic_ns());
    csv_->output().close();
  }
  if (recorder_) recorder_->close();
  for (Stream& stream : streams_) {
    if (settle(stream.output, patience) || std::exchange(stream.is_told, true)) continue;
    tell(fmt::format("{} lacks its end: {}", stream.what, stalled(stream.output).message), note);
  }
  tell_failures(note);
  tell_slow(note);
  tell_losses(note);
}

Result<void> Outputs::push(std::string_view text, Patience& patience) {
  for (; !text.empty(); text.remove_prefix(std::min(text.size(), kPieceBytes))) {
    while (!main_.offer(text.substr(0, kPieceBytes))) {
      if (const auto failure = main_.failure()) return tl::unexpected(*failure);
      if (!bear_with(main_, patience)) return tl::unexpected(stalled(main_));
    }
  }
  return {};
}

Result<void> Outputs::write(const report::Report& report, Patience& patience) {
  if (patience.haste == Patience::Haste::much) main_.widen_pipe();
  const auto sink = [&](std::string_view text) { return push(text, patience); };
  if (auto rendered = render(report, options_, main_.fd(), sink); !rendered) return rendered;
  main_.close();
  if (!settle(main_, patience)) return tl::unexpected(stalled(main_));
  const auto failure = main_.failure();
  return failure ? tl::unexpected(*failure) : Result<void>{};
}

Result<void> Outputs::outcome() const {
  return has_failed_ ? fail(ErrorKind::failed, "not all that was asked for could be written")
                     : Result<void>{};
}

Result<void> Outputs::finish(report::Report& report, Patience& patience) {
  if (!has_report()) return finish_without_report(patience);
  const bool has_time = patience.haste == Patience::Haste::none;
  if (has_time) patience.haste = Patience::Haste::some;
  finish_streams(patience, [&report](std::string text) { report.notes.push_back(std::move(text)); });
  if (has_time && patience.haste == Patience::Haste::some) patience.haste = Patience::Haste::none;
  if (auto written = write(report, patience); !written)
    tell(written.error().message, [](const std::string&) {});
  return outcome();
}

Result<void> Outputs::finish_without_report(Patience& patience) {
  finish_streams(patience, [](const std::string&) {});
  return outcome();
}

}  // namespace memspike::cli
